using System.Net;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Packets;
using TunnelMesh.Protocol.Packets.Offload;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Offload;

/// <summary>
/// The other host of a TUN device: each packet goes back with source and destination swapped, which leaves its checksums right.
/// 10.42.0.1 speaks to 10.42.0.2 and hears itself.
/// </summary>
internal sealed class Reflector : IPacketSink, IDisposable
{
    private const int Stride = 2048, Slots = 128;

    private readonly ITunDevice _tun;
    private readonly bool _singly;
    private readonly byte[] _slots = new byte[Stride * Slots];
    private readonly PacketCoalescer _coalescer;
    private readonly Thread _thread;
    private volatile bool _stop;
    private Exception? _failure;

    private Reflector(ITunDevice tun, bool singly)
    {
        _tun = tun;
        _singly = singly;
        _coalescer = new PacketCoalescer(new CoalescerOptions { Tcp = tun.Offloads.HasFlag(TunOffloads.Tcp), Udp = tun.Offloads.HasFlag(TunOffloads.Udp) });
        _thread = new Thread(() => _failure = Record.Exception(Run));
        _thread.Start();
    }

    public TunOffloads Offloads => _tun.Offloads;

    public int Packets { get; private set; }

    public int SuperPackets { get; private set; }

    public int Groups { get; private set; }

    public int Unreadable { get; private set; }

    public int WrongChecksums { get; private set; }

    public int Refused { get; private set; }

    public static Reflector Start(NetworkNamespace machine, TunOffloads offloads, bool singly = false) => new(
        NamespaceThread.Run(machine, () => TunDevice.Open(new TunOptions
        {
            Name = "tm0",
            Mtu = 1420,
            Offloads = offloads,
            Addresses = [new TunAddress(IPAddress.Parse("10.42.0.1"), 24), new TunAddress(IPAddress.Parse("fd00:42::1"), 64)],
        })),
        singly);

    public void WritePacket(scoped ReadOnlySpan<byte> packet) => Refused += _tun.Write(packet) ? 0 : 1;

    public void WriteGroup(in VirtioNetHeader header, scoped ReadOnlySpan<byte> packetHeader, scoped ReadOnlySpan<byte> buffer, scoped ReadOnlySpan<PacketSlice> payload)
    {
        Groups++;
        Refused += _tun.WriteGroup(header, packetHeader, buffer, payload) ? 0 : 1;
    }

    /// <summary>Ends the thread, after which the counters stand; fails with what ended it before.</summary>
    public void Stop()
    {
        _stop = true;
        _thread.Join();
        Assert.Null(_failure);
    }

    public void Dispose()
    {
        _stop = true;
        _thread.Join();
        _tun.Dispose();
    }

    private void Run()
    {
        byte[] frame = new byte[65535];
        while (!_stop)
        {
            int length;
            VirtioNetHeader header = default;
            if ((length = _singly ? _tun.Read(frame) : _tun.ReadFrame(frame, out header)) == 0)
            {
                Thread.Sleep(1);
                continue;
            }

            SuperPackets += header.GsoType == VirtioNetHeader.GsoNone ? 0 : 1;
            if (!SegmentSplitter.TryParse(header, frame.AsSpan(0, length), out SegmentSplitter splitter))
            {
                Unreadable++;
                continue;
            }

            Reflector self = this;
            for (int first = 0; first < splitter.Count;)
            {
                int count = splitter.Split(first, _slots, Stride, 16);
                Assert.True(count > 0, "a segment above the MTU");
                for (int i = 0; i < count; i++)
                {
                    PacketSlice slice = new(i * Stride + 16, splitter.LengthOf(first + i));
                    Turn(_slots.AsSpan(slice.Offset, slice.Length));
                    if (_singly)
                    {
                        WritePacket(_slots.AsSpan(slice.Offset, slice.Length));
                    }
                    else
                    {
                        _coalescer.Add(_slots, slice, ref self);
                    }
                }

                first += count;
                _coalescer.Flush(_slots, ref self);
            }
        }
    }

    private void Turn(Span<byte> packet)
    {
        Packets++;
        Assert.True(IpPacket.TryParse(packet, out IpPacket ip));
        Assert.Equal(packet.Length, ip.TotalLength);
        if (ip.Protocol is IpProtocol.Tcp or IpProtocol.Udp && !IsRight(ip))
        {
            WrongChecksums++;
        }

        int size = ip.Source.Length, at = ip.Version == 4 ? 12 : 8;
        Span<byte> source = stackalloc byte[size];
        packet.Slice(at, size).CopyTo(source);
        packet.Slice(at + size, size).CopyTo(packet[at..]);
        source.CopyTo(packet[(at + size)..]);
    }

    // Word by word, independently of the code that made the checksum.
    private static bool IsRight(IpPacket ip)
    {
        ulong sum = ip.Protocol + (ulong)ip.Transport.Length;
        foreach (ReadOnlyMemory<byte> part in new ReadOnlyMemory<byte>[] { ip.Source.ToArray(), ip.Destination.ToArray(), ip.Transport.ToArray() })
        {
            for (int i = 0; i < part.Length; i++)
            {
                sum += (ulong)part.Span[i] << (i % 2 == 0 ? 8 : 0);
            }
        }

        while (sum >> 16 != 0)
        {
            sum = (sum & 0xFFFF) + (sum >> 16);
        }

        return sum == 0xFFFF;
    }
}
