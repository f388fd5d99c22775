using System.Net;

namespace TunnelMesh.Node.Control;

/// <summary>The proxy of one connection, as the framework asks for it: only with credentials after the proxy has asked for them.</summary>
/// <param name="settings">With a proxy.</param>
internal sealed class ChosenProxy(ProxySettings settings) : IWebProxy
{
    /// <inheritdoc/>
    public ICredentials? Credentials
    {
        get => settings.Credentials;
        set => throw new NotSupportedException("The credentials of a proxy come from the environment.");
    }

    /// <inheritdoc/>
    public Uri? GetProxy(Uri destination) => settings.Proxy;

    /// <inheritdoc/>
    public bool IsBypassed(Uri host) => false;
}
