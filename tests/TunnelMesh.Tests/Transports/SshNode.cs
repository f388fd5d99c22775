using System.Net;
using System.Security.Cryptography;
using TunnelMesh.Node.Transports.Ssh;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Transports;

/// <summary>A device with an SSH transport on loopback.</summary>
internal sealed class SshNode : IAsyncDisposable
{
    public SshNode(UInt128 device, IdentityKey? identity = null, Func<SshTransportOptions, SshTransportOptions>? change = null)
    {
        Device = device;
        Identity = identity ?? IdentityKey.Generate(RandomNumberGenerator.Fill);
        SshTransportOptions options = new() { Identity = Identity, DeviceId = device, Port = 0 };
        Transport = new SshTransport(change?.Invoke(options) ?? options, Sink);
    }

    public UInt128 Device { get; }

    public IdentityKey Identity { get; }

    public CarrierSink Sink { get; } = new();

    public SshTransport Transport { get; }

    public IPEndPoint Endpoint => new(IPAddress.Loopback, Transport.Port);

    /// <summary>What others know of it.</summary>
    public SshPeer AsPeer(params IPEndPoint[] endpoints) => new(Device, Identity.PublicKey.ToArray(), endpoints);

    /// <summary>Two devices that know each other; only the first dials.</summary>
    public static (SshNode Dialler, SshNode Listener) Pair(Func<SshTransportOptions, SshTransportOptions>? change = null)
    {
        SshNode one = new(1, change: change), two = new(2, change: change);
        one.Transport.SetPeers([two.AsPeer(two.Endpoint)]);
        two.Transport.SetPeers([one.AsPeer()]);
        return (one, two);
    }

    /// <summary>Opens the way to a device and waits for it.</summary>
    public async Task OpenAsync(SshNode other, CancellationToken cancel)
    {
        Transport.Prepare(other.Device);
        await Sink.WaitAsync(other.Device, true, cancel);
        await other.Sink.WaitAsync(Device, true, cancel);
    }

    /// <summary>Waits for something that comes by itself.</summary>
    public static async Task UntilAsync(Func<bool> holds, CancellationToken cancel)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (!holds())
        {
            await Task.Delay(10, limit.Token);
        }
    }

    public ValueTask DisposeAsync()
    {
        Sink.Gate.Set();
        return Transport.DisposeAsync();
    }
}
