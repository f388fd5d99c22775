using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Platform.Tun;

/// <summary>The packets: with IFF_VNET_HDR every read and write begins with a virtio header, which readv and writev keep apart from the packet.</summary>
internal sealed unsafe partial class LinuxTunDevice
{
    private const nuint TunGetFeatures = 0x800454cf, TunSetOffload = 0x400454d0;
    private const nuint OffloadChecksum = 1, OffloadTso4 = 2, OffloadTso6 = 4, OffloadUso4 = 0x20, OffloadUso6 = 0x40;

    // IOV_MAX is 1024; two are taken by the headers.
    private const int MaxSlices = 1000;

    private readonly bool _vnetHeader;

    // A super-packet that Read hands out segment by segment; the buffer is made when the first one comes.
    private byte[]? _super;
    private int _superLength;
    private int _superNext;
    private VirtioNetHeader _superHeader;

    public TunOffloads Offloads { get; }

    public int Read(Span<byte> buffer)
    {
        if (!_vnetHeader)
        {
            fixed (byte* p = buffer)
            {
                return Taken(UnixNative.Read(_fd, p, (nuint)buffer.Length));
            }
        }

        return ReadSegment(buffer);
    }

    public int ReadFrame(Span<byte> buffer, out VirtioNetHeader header)
    {
        header = default;
        if (!_vnetHeader)
        {
            return Read(buffer);
        }

        byte* raw = stackalloc byte[VirtioNetHeader.Size];
        int taken;
        fixed (byte* p = buffer)
        {
            UnixNative.IoVec* vectors = stackalloc UnixNative.IoVec[2];
            vectors[0] = new UnixNative.IoVec { Base = raw, Length = VirtioNetHeader.Size };
            vectors[1] = new UnixNative.IoVec { Base = p, Length = (nuint)buffer.Length };
            taken = Taken(UnixNative.ReadV(_fd, vectors, 2));
        }

        if (taken <= VirtioNetHeader.Size)
        {
            return 0;
        }

        VirtioNetHeader.TryRead(new ReadOnlySpan<byte>(raw, VirtioNetHeader.Size), out header);
        return taken - VirtioNetHeader.Size;
    }

    public bool Write(ReadOnlySpan<byte> packet)
    {
        fixed (byte* p = packet)
        {
            if (!_vnetHeader)
            {
                return UnixNative.Write(_fd, p, (nuint)packet.Length) == packet.Length;
            }

            byte* header = stackalloc byte[VirtioNetHeader.Size];
            default(VirtioNetHeader).Write(new Span<byte>(header, VirtioNetHeader.Size));
            UnixNative.IoVec* vectors = stackalloc UnixNative.IoVec[2];
            vectors[0] = new UnixNative.IoVec { Base = header, Length = VirtioNetHeader.Size };
            vectors[1] = new UnixNative.IoVec { Base = p, Length = (nuint)packet.Length };
            return UnixNative.WriteV(_fd, vectors, 2) == VirtioNetHeader.Size + packet.Length;
        }
    }

    public bool WriteGroup(in VirtioNetHeader header, ReadOnlySpan<byte> packetHeader, ReadOnlySpan<byte> buffer, ReadOnlySpan<PacketSlice> payload)
    {
        if (!_vnetHeader)
        {
            throw new NotSupportedException("This device has no offloads: packets are written one by one.");
        }

        ArgumentOutOfRangeException.ThrowIfGreaterThan(payload.Length, MaxSlices);
        byte* raw = stackalloc byte[VirtioNetHeader.Size];
        header.Write(new Span<byte>(raw, VirtioNetHeader.Size));
        UnixNative.IoVec* vectors = stackalloc UnixNative.IoVec[payload.Length + 2];
        fixed (byte* head = packetHeader, data = buffer)
        {
            nint total = VirtioNetHeader.Size + packetHeader.Length;
            vectors[0] = new UnixNative.IoVec { Base = raw, Length = VirtioNetHeader.Size };
            vectors[1] = new UnixNative.IoVec { Base = head, Length = (nuint)packetHeader.Length };
            for (int i = 0; i < payload.Length; i++)
            {
                // Slicing checks the bounds: the kernel would read whatever lies there.
                ReadOnlySpan<byte> part = buffer.Slice(payload[i].Offset, payload[i].Length);
                vectors[i + 2] = new UnixNative.IoVec { Base = data + payload[i].Offset, Length = (nuint)part.Length };
                total += part.Length;
            }

            return UnixNative.WriteV(_fd, vectors, payload.Length + 2) == total;
        }
    }

    private static uint Features(SafeFileDescriptor fd)
    {
        uint features = 0;
        return LinuxNative.Ioctl(fd, TunGetFeatures, &features) == 0 ? features : 0;
    }

    /// <summary>Asks for what is wanted and, as long as the kernel refuses, for less.</summary>
    private static TunOffloads SetOffloads(SafeFileDescriptor fd, TunOffloads wanted)
    {
        TunOffloads[] steps = [wanted, wanted & ~TunOffloads.Udp, TunOffloads.Checksum];
        foreach (TunOffloads step in steps)
        {
            // Both families of USO or none: the kernel knows no other combination. TSO and USO need the checksum left undone.
            nuint flags = (step == TunOffloads.None ? 0 : OffloadChecksum)
                | (step.HasFlag(TunOffloads.Tcp) ? OffloadTso4 | OffloadTso6 : 0)
                | (step.HasFlag(TunOffloads.Udp) ? OffloadUso4 | OffloadUso6 : 0);
            if (flags != 0 && LinuxNative.Ioctl(fd, TunSetOffload, (void*)flags) == 0)
            {
                return step | TunOffloads.Checksum;
            }
        }

        return TunOffloads.None;
    }

    private int ReadSegment(Span<byte> buffer)
    {
        while (true)
        {
            if (_superLength == 0)
            {
                _super ??= GC.AllocateUninitializedArray<byte>(ushort.MaxValue);
                (_superLength, _superNext) = (ReadFrame(_super, out _superHeader), 0);
                if (_superLength == 0)
                {
                    return 0;
                }
            }

            if (SegmentSplitter.TryParse(_superHeader, _super.AsSpan(0, _superLength), out SegmentSplitter splitter)
                && _superNext < splitter.Count
                && splitter.LengthOf(_superNext) <= buffer.Length
                && splitter.Split(_superNext, buffer, buffer.Length, 0) > 0)
            {
                int length = splitter.LengthOf(_superNext);
                _superLength = ++_superNext == splitter.Count ? 0 : _superLength;
                return length;
            }

            // What cannot be cut or does not fit is dropped, as a packet longer than the buffer would be.
            _superLength = 0;
        }
    }

    private int Taken(nint result)
    {
        if (result >= 0)
        {
            return (int)result;
        }

        return Marshal.GetLastPInvokeError() is LinuxNative.EBadFd or UnixNative.ENoDev
            ? throw new TunException(TunError.Gone, $"The network interface {Name} was removed from outside (for example by: ip link delete {Name}). Start the peer again.")
            : 0;
    }
}
