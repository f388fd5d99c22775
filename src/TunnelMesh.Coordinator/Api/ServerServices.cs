using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Logging;

namespace TunnelMesh.Coordinator.Api;

/// <summary>What the web server asks others for when no container of services is there: where to log, and the counters of its TLS, which nobody reads. Asked while the server is put together and started, by one thread.</summary>
/// <param name="logger">The coordinator's.</param>
internal sealed class ServerServices(ILogger logger) : IServiceProvider, ILoggerFactory, IMeterFactory
{
    private const string Metrics = "Microsoft.AspNetCore.Server.Kestrel.Core.Internal.Infrastructure.KestrelMetrics, Microsoft.AspNetCore.Server.Kestrel.Core";

    private readonly ForwardingLogger _logger = new(logger);
    private readonly List<Meter> _meters = [];
    private object? _metrics;

    /// <summary>The service; null for one that was not expected, which fails the start.</summary>
    public object? GetService(Type serviceType) =>
        serviceType == typeof(ILoggerFactory) ? this : serviceType.Name == "KestrelMetrics" ? _metrics ??= NewMetrics(this) : null;

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => _logger;

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    /// <inheritdoc/>
    public Meter Create(MeterOptions options)
    {
        Meter meter = new(options);
        _meters.Add(meter);
        return meter;
    }

    /// <summary>Lets the counters go; the logger is the caller's.</summary>
    public void Dispose() => _meters.ForEach(m => m.Dispose());

    // The server has counters of its own without being asked, but its TLS takes them from the services, and their type is internal.
    [UnsafeAccessor(UnsafeAccessorKind.Constructor)]
    [return: UnsafeAccessorType(Metrics)]
    private static extern object NewMetrics(IMeterFactory meters);
}
