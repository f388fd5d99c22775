using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Limits;

namespace TunnelMesh.Coordinator.Api;

/// <summary>How the web server is set up: TLS 1.3 only, nothing resumed, HTTP/1.1, a client certificate asked for but not required.</summary>
internal static class Listener
{
    /// <summary>Connections at once: a mesh has at most about half as many devices on one coordinator, and strangers are bounded well below the rest.</summary>
    internal const int MaxConnections = 20_000;

    /// <summary>Connections that wait to be accepted: a thousand peers come back at once after a restart.</summary>
    private const int Backlog = 4096;

    /// <summary>
    /// Bytes that one connection may have waiting to be read: whoever sends without reading our answers makes us hold that much. The framework's default of a megabyte would let
    /// strangers, of whom there may be thousands, take all memory.
    /// </summary>
    internal const int MaxUnread = 128 * 1024;

    private static readonly TimeSpan HandshakeTime = TimeSpan.FromSeconds(10), IdleTime = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The server, not started yet. Put together by hand: a host with services, configuration and middleware found at run time would be 2 MB of the program, and nothing here asks for any of
    /// it. No settings file of the working directory, no variable and no signal of the process has a say in this listener.
    /// </summary>
    /// <param name="options">Where to listen.</param>
    /// <param name="services">What the server asks others for.</param>
    /// <param name="certificates">The server's own.</param>
    /// <param name="gate">Bounds connections.</param>
    /// <param name="refusals">Told of connections that cannot be served.</param>
    /// <param name="bind">Makes the bound socket of an endpoint.</param>
    internal static KestrelServer Build(CoordinatorServerOptions options, ServerServices services, ServerCertificates certificates, ConnectionGate gate, RefusalLog refusals, Func<EndPoint, Socket> bind)
    {
        KestrelServerOptions kestrel = new() { ApplicationServices = services, AddServerHeader = false };
        kestrel.Limits.MaxRequestBodySize = ControlProtocol.MaxPeerMessageBytes;
        kestrel.Limits.MaxRequestBufferSize = MaxUnread;
        kestrel.Limits.MaxRequestHeadersTotalSize = 8 * 1024;
        kestrel.Limits.MaxRequestLineSize = 2 * 1024;
        kestrel.Limits.RequestHeadersTimeout = HandshakeTime;
        kestrel.Limits.KeepAliveTimeout = IdleTime;
        kestrel.Limits.MaxConcurrentConnections = MaxConnections;
        kestrel.Limits.MaxConcurrentUpgradedConnections = MaxConnections;
        X509ChainPolicy policy = OwnChainsOnly(options.Authority);
        foreach (IPEndPoint endpoint in options.AlsoListen.Prepend(options.Listen))
        {
            kestrel.Listen(endpoint, listen => Serve(listen, certificates, gate, refusals, policy));
        }
        SocketTransportFactory sockets = new(Options.Create(new SocketTransportOptions
        {
            Backlog = Backlog,
            CreateBoundListenSocket = bind,
            MaxReadBufferSize = MaxUnread,
        }), services);
        return new KestrelServer(Options.Create(kestrel), sockets, services);
    }

    private static void Serve(ListenOptions listen, ServerCertificates certificates, ConnectionGate gate, RefusalLog refusals, X509ChainPolicy policy)
    {
        listen.Protocols = HttpProtocols.Http1;
        // Before TLS, which is what a connection costs.
        listen.Use(next => async connection =>
        {
            IPAddress address = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
            ConnectionGate.Slot slot = gate.Enter(address, connection.Abort);
            connection.Features.Set(slot);
            try
            {
                await next(connection).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                // A few odd bytes make the framework's TLS throw what it does not catch; the web server would write each into the log as an error of ours.
                refusals.Connection(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, e);
                connection.Abort();
            }
            finally
            {
                slot.Leave();
            }
        });
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = HandshakeTime,
            OnConnection = context => ValueTask.FromResult(Offer(context.Connection, certificates.Current, policy)),
        });
        listen.Use(next => async connection =>
        {
            if (connection.Features.Get<ISslStreamFeature>() is { } tls)
            {
                TlsBuffers.ReleaseWhenIdle(tls.SslStream);
            }
            // The framework leaves it to the collector, which sees none of the memory behind it.
            using X509Certificate2? shown = connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate;
            await next(connection).ConfigureAwait(false);
        });
    }

    private static SslServerAuthenticationOptions Offer(BaseConnectionContext connection, ServerCertificate certificate, X509ChainPolicy policy)
    {
        // The proofs of a join bind the key of this very connection, also when the certificate is replaced meanwhile.
        connection.Features.Set(certificate);
        return new SslServerAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false,
            AllowRenegotiation = false,
            ServerCertificateContext = certificate.Context,
            ApplicationProtocols = [SslApplicationProtocol.Http11],
            // "Required" asks for one; whoever has none still gets in, to join or renew. What it is worth is judged where it
            // matters, since a refusal inside the handshake could not say why.
            ClientCertificateRequired = true,
            CertificateChainPolicy = policy,
#pragma warning disable CA5359
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
#pragma warning restore CA5359
        };
    }

    // The framework builds a chain in any case: it shall not look for issuers on the network or in the system's store.
    private static X509ChainPolicy OwnChainsOnly(MeshAuthority authority)
    {
        X509ChainPolicy policy = new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.Add(authority.Root);
        return policy;
    }
}
