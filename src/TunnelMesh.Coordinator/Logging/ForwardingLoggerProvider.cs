using Microsoft.Extensions.Logging;

namespace TunnelMesh.Coordinator.Logging;

/// <summary>Gives the web server's own messages to the coordinator's logger.</summary>
internal sealed class ForwardingLoggerProvider(ILogger target) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => target;

    public void Dispose()
    {
        // The logger is the caller's.
    }
}
