using System.Buffers.Binary;
using TunnelMesh.Node.Filter;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Framing;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Protocol.Packets;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// Sealed packets come in, those of one session that follow each other as a run. On the engine's thread; nothing here allocates. Nothing but counters changes before a datagram
/// has authenticated.
/// <code>
/// 1 session    by receiver index                       -> drop NoSession
/// 2 open       in place, a run at once                 -> drop Forged, Replayed, NoSession (too old)
/// 3 note       for the timers and for the endpoint: roaming, contests
/// 4 control    probes are echoed over the path they came, echoes measured
/// 5 source     must be routed to this very peer        -> drop BadSource
/// 6 target     must be an address of this device       -> drop BadDestination, see <see cref="ExitTraffic"/>
/// 7 filter     one decision for packets of one flow    -> drop Filtered
/// 8 write      joined, to the TUN                      -> drop TunFailed
/// </code>
/// </summary>
internal sealed class InboundPipeline
{
    private const int MaxRun = 128;

    private readonly TunnelMembers _members;
    private readonly TunnelSender _sender;
    private readonly InsideAddresses _own;
    private readonly ITunnelOutput _output;
    private readonly DataPlaneCounters _counters;
    private readonly Action<PeerTunnel, long> _attend;
    private readonly TimeProvider _time;
    private readonly FragmentAssembler _fragments;
    private readonly PacketCoalescer? _coalescer;
    private readonly InboundGate? _gate;
    private readonly AeadPacket[] _run = new AeadPacket[MaxRun];
    private readonly OpenResult[] _results = new OpenResult[MaxRun];
    private readonly int _clamp;
    private TunSink _sink;
    private uint _index;
    private PathAddress _source;
    private int _count;

    /// <summary>Makes a pipeline.</summary>
    /// <param name="members">Knows the sessions, and who may send from which prefix.</param>
    /// <param name="sender">Sends probes and echoes.</param>
    /// <param name="own">This device's inside addresses.</param>
    /// <param name="output">Takes opened packets.</param>
    /// <param name="counters">Counts drops.</param>
    /// <param name="options">The largest packet, and what may be joined for the output.</param>
    /// <param name="attend">Has the timers of a peer looked at soon.</param>
    public InboundPipeline(TunnelMembers members, TunnelSender sender, InsideAddresses own, ITunnelOutput output, DataPlaneCounters counters, TunnelEngineOptions options, Action<PeerTunnel, long> attend)
    {
        (_members, _sender, _own, _output, _counters, _attend, _sink) = (members, sender, own, output, counters, attend, new TunSink(output, counters));
        _time = options.Time;
        // On an exit the far end of a connection is not bounded by the MTU of this interface, which its packets pass all the same.
        _clamp = members.Exit.IsAllowed ? options.Mtu : int.MaxValue;
        _gate = members.Filter is { } filter ? new InboundGate(filter) : null;
        _fragments = new FragmentAssembler(options.Mtu, 2 * options.Time.TimestampFrequency);
        TunOffloads offloads = options.Offloads;
        bool tcp = offloads.HasFlag(TunOffloads.Tcp), udp = offloads.HasFlag(TunOffloads.Udp);
        _coalescer = tcp || udp ? new PacketCoalescer(new CoalescerOptions { Tcp = tcp, Udp = udp }) : null;
    }

    /// <summary>Takes one transport data message into the present run; a run of another session is opened first.</summary>
    /// <param name="buffer">The receive buffer, the same until <see cref="Flush"/>.</param>
    /// <param name="datagram">Where the whole datagram, of type 4, lies in it.</param>
    /// <param name="source">Where from.</param>
    /// <param name="now">Timestamp.</param>
    /// <returns>As <see cref="Open"/>.</returns>
    public PeerTunnel? Add(Span<byte> buffer, PacketSlice datagram, in PathAddress source, long now)
    {
        uint index = BinaryPrimitives.ReadUInt32LittleEndian(buffer[(datagram.Offset + 4)..]);
        PeerTunnel? confirmed = _count == MaxRun || (_count > 0 && (index != _index || source != _source)) ? Open(buffer, now) : null;
        if (_count == 0)
        {
            // The others of a run have the same, or they would not be in it.
            (_index, _source) = (index, source);
        }

        _run[_count++] = new AeadPacket(datagram.Offset + WireGuardMessage.TransportHeaderSize, datagram.Length - WireGuardMessage.TransportOverhead, 0);
        return confirmed;
    }

    /// <summary>Opens the present run.</summary>
    /// <returns>The tunnel whose session it confirmed, and whose queue may now go; else null.</returns>
    public PeerTunnel? Open(Span<byte> buffer, long now)
    {
        Span<AeadPacket> run = _run.AsSpan(0, _count);
        _count = 0;
        if (run.IsEmpty)
        {
            return null;
        }

        if (!_members.Device.TryFindKeypair(_index, out TransportKeypair? keys, out WireGuardPeer? session) || session.Tag is not PeerTunnel tunnel)
        {
            _counters.Drop(DropReason.NoSession, run.Length);
            return null;
        }

        keys.OpenBatch(buffer, run, _results, now);
        _counters.Opened(run.Length);
        bool opened = false, data = false;
        for (int i = 0; i < run.Length; i++)
        {
            opened |= _results[i] == OpenResult.Opened;
            data |= _results[i] == OpenResult.Opened && run[i].Length > 0 && !PathProbe.IsControl(buffer.Slice(run[i].Offset, run[i].Length));
        }

        // All from one address under one key: noted once.
        bool confirmed = opened && Note(tunnel, keys, _source, data, now);
        _gate?.Begin(tunnel.Filter!, now);
        int bytes = 0;
        for (int i = 0; i < run.Length; i++)
        {
            if (i % InboundGate.Ahead == 0)
            {
                LookAhead(buffer, run[i..]);
            }

            if (_results[i] == OpenResult.Opened)
            {
                bytes += Take(tunnel, buffer, run[i], now);
            }
            else
            {
                _counters.Drop(_results[i] switch
                {
                    OpenResult.Replayed => DropReason.Replayed,
                    OpenResult.Expired => DropReason.NoSession,
                    _ => DropReason.Forged,
                });
            }
        }

        _gate?.End();
        if (bytes > 0)
        {
            tunnel.NoteReceivedData(bytes, now);
        }

        return confirmed ? tunnel : null;
    }

    /// <summary>Writes what is held back to be joined. After the last datagram of a buffer.</summary>
    public void Flush(ReadOnlySpan<byte> buffer) => _coalescer?.Flush(buffer, ref _sink);

    /// <summary>Handles an opened message; bytes of the packet that was delivered.</summary>
    private int Take(PeerTunnel tunnel, Span<byte> buffer, in AeadPacket message, long now)
    {
        Span<byte> plain = buffer.Slice(message.Offset, message.Length);
        if (PathProbe.IsControl(plain))
        {
            int frame = WireGuardMessage.TransportOverhead + message.Length;
            HandleControl(tunnel, buffer.Slice(message.Offset - WireGuardMessage.TransportHeaderSize, frame), message.Length, _source, now);
            return 0;
        }

        return plain.IsEmpty ? 0 : Deliver(tunnel, buffer, message);
    }

    private bool Note(PeerTunnel tunnel, TransportKeypair keys, in PathAddress source, bool isData, long now)
    {
        TransportKeypair? before = tunnel.Session.SendKeypair;
        tunnel.Session.NoteReceived(keys, now, isData);
        tunnel.LastHeardAt = now;
        bool confirmed = !ReferenceEquals(before, tunnel.Session.SendKeypair);
        if (confirmed)
        {
            // The peer took our response over this path, and its first packet came over it: both ways are proved.
            tunnel.TakeOffers(_output, now);
            tunnel.Paths.NoteSession(source, now);
        }
        else
        {
            tunnel.Paths.NoteHeard(source, now);
            Attend(tunnel, now);
        }

        return confirmed;
    }

    private void LookAhead(ReadOnlySpan<byte> buffer, ReadOnlySpan<AeadPacket> run)
    {
        // One alone is not waited for any shorter.
        if (_gate is null || run.Length < 2)
        {
            return;
        }

        // Those that did not open are looked at as well, which costs nothing but the look.
        foreach (ref readonly AeadPacket message in run[..Math.Min(run.Length, InboundGate.Ahead)])
        {
            _gate.Expect(buffer.Slice(message.Offset, message.Length));
        }

        _gate.FetchExpected();
    }

    private void HandleControl(PeerTunnel tunnel, Span<byte> frame, int length, in PathAddress source, long now)
    {
        Span<byte> plain = frame.Slice(WireGuardMessage.TransportHeaderSize, length);
        if (tunnel.Spec.Stock)
        {
            _counters.Drop(DropReason.Malformed);
        }
        else if (PathProbe.TryMakeEcho(plain))
        {
            _sender.SendControl(tunnel, frame, length, source, now);
        }
        else if (PathProbe.TryReadEcho(plain, out ulong challenge))
        {
            if (tunnel.Ping is { } ping && ping.NoteEcho(challenge, source, _time, now))
            {
                tunnel.Ping = null;
            }

            tunnel.Paths.NoteEcho(challenge, length, source, now);
            Attend(tunnel, now);
        }
        else if (PathCall.Is(plain))
        {
            tunnel.Birthday.NoteCall(now);
            _attend(tunnel, now);
        }
        else if (PathFragment.TryRead(plain, out ushort number, out int total, out int offset, out ReadOnlySpan<byte> part))
        {
            ReadOnlySpan<byte> packet = _fragments.Add(tunnel, number, total, offset, part, now, out bool refused);
            if (refused)
            {
                _counters.Drop(DropReason.Malformed);
            }
            else if (!packet.IsEmpty && Accept(tunnel, packet, out IpPacket whole))
            {
                _sink.WritePacket(whole.Bytes);
                tunnel.NoteReceivedData(whole.TotalLength, now);
            }
        }
        else
        {
            _counters.Drop(DropReason.Malformed);
        }
    }

    private void Attend(PeerTunnel tunnel, long now)
    {
        if (tunnel.Paths.NextDeadline < tunnel.Deadline)
        {
            _attend(tunnel, now);
        }
    }

    private int Deliver(PeerTunnel tunnel, Span<byte> buffer, in AeadPacket message)
    {
        if (!Accept(tunnel, buffer.Slice(message.Offset, message.Length), out IpPacket packet))
        {
            return 0;
        }

        if (Math.Min(tunnel.Paths.Route.Mtu, _clamp) is < int.MaxValue and var limit)
        {
            TcpMss.TryClamp(buffer.Slice(message.Offset, packet.TotalLength), limit);
        }

        if (_coalescer is null)
        {
            _sink.WritePacket(packet.Bytes);
        }
        else
        {
            _coalescer.Add(buffer, new PacketSlice(message.Offset, packet.TotalLength), ref _sink);
        }

        return packet.TotalLength;
    }

    private bool Accept(PeerTunnel tunnel, ReadOnlySpan<byte> plain, out IpPacket packet)
    {
        if (!IpPacket.TryParse(plain, out packet))
        {
            _counters.Drop(DropReason.Malformed);
            return false;
        }

        if (!ReferenceEquals(_members.Routes.Find(packet.Source), tunnel))
        {
            _counters.Drop(DropReason.BadSource);
            return false;
        }

        if (!_own.Accepts(packet.Destination))
        {
            if (_members.Exit.Allows(tunnel, packet))
            {
                _counters.SentOut(1, packet.TotalLength);
                return true;
            }

            _counters.Drop(DropReason.BadDestination);
            return false;
        }

        if (_gate is not null && !_gate.Admit(packet))
        {
            _counters.Drop(DropReason.Filtered);
            return false;
        }

        return true;
    }
}
