using TunnelMesh.Node.Birthday;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Protocol.Framing;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.DataPlane;

/// <summary>Does for one peer at a time what <see cref="PeerBirthday"/> asks for: probes and calls inside its session, sockets beside the tunnel's port. On the lane's thread.</summary>
/// <param name="time">Clock.</param>
/// <param name="sender">Seals and sends.</param>
/// <param name="output">Has the sockets.</param>
/// <param name="random">Fills a span with randomness.</param>
internal sealed class TunnelBirthday(TimeProvider time, TunnelSender sender, ITunnelOutput output, Action<Span<byte>> random) : IBirthdayEdge
{
    private readonly byte[] _call = new byte[WireGuardMessage.TransportOverhead + PathCall.Size];
    private PeerTunnel? _tunnel;

    private PeerTunnel Tunnel => _tunnel ?? throw new InvalidOperationException("No peer is looked after.");

    /// <summary>Does what is due for a peer.</summary>
    public void Run(PeerTunnel tunnel, long now)
    {
        _tunnel = tunnel;
        PeerPaths paths = tunnel.Paths;
        bool direct = paths.IsDirect;
        tunnel.Birthday.Run(new BirthdayView(output.Nat, TunnelSender.HasKeys(tunnel, now), !tunnel.Spec.Stock && paths.IsActive(now, tunnel.LastDataAt) && paths.Allows(PathTransport.Udp),
            direct, direct ? paths.Current!.Address.Socket : (ushort)0), now, this);
    }

    /// <inheritdoc/>
    public void Probe(in PathAddress to) => sender.SendProbe(Tunnel, to, PeerPaths.SmallSize, time.GetTimestamp());

    /// <inheritdoc/>
    public void Call()
    {
        if (Tunnel.Paths.Route.First is { IsNone: false } path)
        {
            PathCall.Write(_call.AsSpan(WireGuardMessage.TransportHeaderSize));
            sender.SendControl(Tunnel, _call, PathCall.Size, path, time.GetTimestamp());
        }
    }

    /// <inheritdoc/>
    public void Meet() => output.Meet(Tunnel.Spec.DeviceId);

    /// <inheritdoc/>
    public ushort Open() => output.OpenSocket(Tunnel.Spec.DeviceId);

    /// <inheritdoc/>
    public void Close(ushort socket)
    {
        Tunnel.Paths.Remove(socket, time.GetTimestamp());
        output.CloseSocket(socket);
    }

    /// <inheritdoc/>
    public long HeardAt(ushort socket)
    {
        long heard = PeerPath.Never;
        foreach (PeerPath path in Tunnel.Paths.All)
        {
            heard = path.Address.Socket == socket && path.Address.Transport == PathTransport.Udp ? Math.Max(heard, path.HeardAt) : heard;
        }

        return heard;
    }

    /// <inheritdoc/>
    public void Random(Span<byte> bytes) => random(bytes);
}
