using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Platform.Routes;

/// <summary>rtnetlink (RFC 3549): links, addresses and routes. Methods return 0 or the errno the kernel answered with. One thread at a time.</summary>
internal sealed unsafe partial class NetlinkSocket : IRouteTables, ILinks
{
    private const ushort RtmNewLink = 16, RtmNewAddr = 20, RtmDeleteAddr = 21, RtmNewRoute = 24, RtmDeleteRoute = 25, RtmNewRule = 32, RtmDeleteRule = 33;
    private const ushort Request = 1, Ack = 4, Replace = 0x100, Exclusive = 0x200, Create = 0x400, Append = 0x800;
    private readonly SafeFileDescriptor _fd;
    private readonly byte[] _buffer = new byte[4096];
    private int _length;
    private uint _sequence;

    public NetlinkSocket()
    {
        _fd = UnixNative.Socket(LinuxNative.AfNetlink, UnixNative.SockRaw | LinuxNative.SockCloExec, 0);
        if (_fd.IsInvalid)
        {
            throw new TunException(TunError.Failed, "The system gave no netlink socket: " + UnixNative.Describe(Marshal.GetLastPInvokeError()) + ".");
        }
    }

    public int SetMtu(uint index, int mtu)
    {
        BeginLink(index, up: false);
        AddUInt32(4, (uint)mtu);
        return Execute();
    }

    /// <summary>The largest super-packet that senders on this machine make for the link, in bytes (IFLA_GSO_MAX_SIZE, from Linux 4.16).</summary>
    public int SetSuperPacket(uint index, int bytes)
    {
        BeginLink(index, up: false);
        AddUInt32(41, (uint)bytes);
        return Execute();
    }

    public int DisableAddressGeneration(uint index)
    {
        BeginLink(index, up: false);

        // IFLA_AF_SPEC { AF_INET6 { IFLA_INET6_ADDR_GEN_MODE = IN6_ADDR_GEN_MODE_NONE } }
        int spec = BeginNested(26);
        int family = BeginNested(LinuxNative.AfInet6);
        Add(8, [1]);
        EndNested(family);
        EndNested(spec);
        return Execute();
    }

    public int SetUp(uint index)
    {
        BeginLink(index, up: true);
        return Execute();
    }

    public int AddAddress(uint index, IPAddress address, int prefixLength)
    {
        bool v6 = address.AddressFamily == AddressFamily.InterNetworkV6;
        Begin(RtmNewAddr, Create | Replace);

        // IFA_F_NODAD: nobody else is on the link, so the address is usable at once.
        Bytes([(byte)(v6 ? LinuxNative.AfInet6 : UnixNative.AfInet), (byte)prefixLength, (byte)(v6 ? 2 : 0), 0]);
        UInt32(index);
        byte[] bytes = address.GetAddressBytes();
        Add(2, bytes);
        Add(1, bytes);
        return Execute();
    }

    public int AddRoute(uint index, System.Net.IPNetwork prefix)
    {
        bool v6 = prefix.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;
        Begin(RtmNewRoute, Create | Replace);
        Bytes([(byte)(v6 ? LinuxNative.AfInet6 : UnixNative.AfInet), (byte)prefix.PrefixLength, 0, 0, 254, 4, (byte)(v6 ? 0 : 253), 1]);
        UInt32(0);
        Add(1, prefix.BaseAddress.GetAddressBytes());
        AddUInt32(4, index);
        return Execute();
    }

    public int SetRoute(uint table, System.Net.IPNetwork prefix, uint index, IPAddress? source = null)
    {
        BeginRoute(RtmNewRoute, Create | Replace, table, prefix, index);
        if (source is not null)
        {
            Add(7, source.GetAddressBytes());
        }

        return Execute();
    }

    public int DeleteRoute(uint table, System.Net.IPNetwork prefix, uint index)
    {
        BeginRoute(RtmDeleteRoute, 0, table, prefix, index);
        return Execute();
    }

    public int AddRule(bool v6, uint priority, uint table, uint mark)
    {
        BeginRule(RtmNewRule, Create | Exclusive, v6, priority, table, mark);
        return Execute();
    }

    public int DeleteRule(bool v6, uint priority, uint table, uint mark)
    {
        BeginRule(RtmDeleteRule, 0, v6, priority, table, mark);
        return Execute();
    }

    public void Dispose() => _fd.Dispose();

    private void BeginRoute(ushort type, ushort flags, uint table, System.Net.IPNetwork prefix, uint index)
    {
        bool v6 = prefix.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;
        Begin(type, flags);

        // RT_TABLE_UNSPEC, as the number has an attribute of its own; RTPROT_STATIC; RT_SCOPE_LINK or NOWHERE; RTN_UNICAST or RTN_UNREACHABLE.
        bool leads = index != 0;
        Bytes([(byte)(v6 ? LinuxNative.AfInet6 : UnixNative.AfInet), (byte)prefix.PrefixLength, 0, 0, 0, 4, (byte)(v6 || !leads ? 0 : 253), (byte)(leads ? 1 : 7)]);
        UInt32(0);
        Add(1, prefix.BaseAddress.GetAddressBytes());
        AddUInt32(15, table);
        if (leads)
        {
            AddUInt32(4, index);
        }
        else
        {
            AddUInt32(6, uint.MaxValue >> 1);
        }
    }

    private void BeginRule(ushort type, ushort flags, bool v6, uint priority, uint table, uint mark)
    {
        Begin(type, flags);

        // fib_rule_hdr: FR_ACT_TO_TBL, FIB_RULE_INVERT.
        Bytes([(byte)(v6 ? LinuxNative.AfInet6 : UnixNative.AfInet), 0, 0, 0, 0, 0, 0, 1]);
        UInt32(2);
        AddUInt32(6, priority);
        AddUInt32(10, mark);
        AddUInt32(16, uint.MaxValue);
        AddUInt32(15, table);
    }

    private void BeginLink(uint index, bool up)
    {
        Begin(RtmNewLink, 0);
        Bytes([0, 0, 0, 0]);
        UInt32(index);
        UInt32(up ? 1u : 0);
        UInt32(up ? 1u : 0);
    }

    private void Begin(ushort type, ushort flags)
    {
        _length = 16;
        Array.Clear(_buffer);
        MemoryMarshal.Write(_buffer.AsSpan(4), type);
        MemoryMarshal.Write(_buffer.AsSpan(6), (ushort)(flags | Request | Ack));
        MemoryMarshal.Write(_buffer.AsSpan(8), ++_sequence);
    }

    private void Bytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    private void UInt32(uint value)
    {
        MemoryMarshal.Write(_buffer.AsSpan(_length), value);
        _length += 4;
    }

    private void AddUInt32(ushort type, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        MemoryMarshal.Write(bytes, value);
        Add(type, bytes);
    }

    private void Add(ushort type, ReadOnlySpan<byte> value)
    {
        MemoryMarshal.Write(_buffer.AsSpan(_length), (ushort)(4 + value.Length));
        MemoryMarshal.Write(_buffer.AsSpan(_length + 2), type);
        _length += 4;
        Bytes(value);
        _length = (_length + 3) & ~3;
    }

    private int BeginNested(ushort type)
    {
        int at = _length;
        MemoryMarshal.Write(_buffer.AsSpan(at + 2), type);
        _length += 4;
        return at;
    }

    private void EndNested(int at) => MemoryMarshal.Write(_buffer.AsSpan(at), (ushort)(_length - at));

    // 0, or the errno.
    private int Send()
    {
        MemoryMarshal.Write(_buffer, (uint)_length);
        byte* kernel = stackalloc byte[12];
        new Span<byte>(kernel, 12).Clear();
        *(ushort*)kernel = LinuxNative.AfNetlink;
        fixed (byte* p = _buffer)
        {
            return UnixNative.SendTo(_fd, p, (nuint)_length, 0, kernel, 12) < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
    }

    private int Execute()
    {
        if (Send() is > 0 and var unsent)
        {
            return unsent;
        }

        fixed (byte* p = _buffer)
        {
            while (true)
            {
                nint n = UnixNative.Recv(_fd, p, (nuint)_buffer.Length, 0);
                if (n < 0)
                {
                    int errno = Marshal.GetLastPInvokeError();
                    if (errno == UnixNative.EIntr)
                    {
                        continue;
                    }

                    return errno;
                }

                // NLMSG_ERROR with the negated errno, 0 being the acknowledgement.
                if (n >= 20 && *(ushort*)(p + 4) == 2 && *(uint*)(p + 8) == _sequence)
                {
                    return -BinaryPrimitives.ReadInt32LittleEndian(new ReadOnlySpan<byte>(p + 16, 4));
                }
            }
        }
    }
}
