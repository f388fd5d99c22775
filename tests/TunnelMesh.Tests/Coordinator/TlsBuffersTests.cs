using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using TunnelMesh.Coordinator.Api;
using TunnelMesh.Coordinator.Certificates;
using Xunit;

namespace TunnelMesh.Tests.Coordinator;

public sealed class TlsBuffersTests : IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"tm-{Guid.NewGuid():N}");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, true);

    [Fact]
    public async Task The_mode_is_set_on_this_framework_and_data_still_passes_both_ways()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "OpenSSL is the framework's library on Linux only");
        using MeshAuthority mesh = MeshAuthority.Open(_directory, [IPNetwork.Parse("10.42.0.0/16")], TimeProvider.System);
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        using TcpClient near = new();
        await near.ConnectAsync((IPEndPoint)listener.LocalEndpoint, Cancel);
        using TcpClient far = await listener.AcceptTcpClientAsync(Cancel);
        await using SslStream client = new(near.GetStream(), false, (_, certificate, _, _) => certificate is not null), server = new(far.GetStream());
        Assert.False(TlsBuffers.ReleaseWhenIdle(server));
        await Task.WhenAll(
            server.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = SslStreamCertificateContext.Create(mesh.IssueServer("hub", []), [mesh.Issuer], offline: true) }, Cancel),
            client.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "hub" }, Cancel));

        Assert.True(TlsBuffers.ReleaseWhenIdle(server));

        byte[] sent = RandomNumberGenerator.GetBytes(100_000);
        for (int round = 0; round < 3; round++)
        {
            Assert.Equal(sent, await PassAsync(client, server, sent));
            Assert.Equal(sent, await PassAsync(server, client, sent));
        }
    }

    private static async Task<byte[]> PassAsync(SslStream from, SslStream to, byte[] bytes)
    {
        byte[] got = new byte[bytes.Length];
        await Task.WhenAll(from.WriteAsync(bytes, Cancel).AsTask(), to.ReadExactlyAsync(got, Cancel).AsTask());
        return got;
    }
}
