using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Tun;

/// <summary>
/// utun, the interface of macOS that a socket of PF_SYSTEM stands for; it vanishes with the socket. Before each packet lies its address
/// family in four bytes, which readv and writev keep apart from it. Many packets at once could only be moved by recvmsg_x and sendmsg_x;
/// why they are not used is said at <see cref="Sockets.PosixUdpSocket"/>.
/// </summary>
internal sealed unsafe class MacOSTunDevice : ITunDevice, IDescriptorOwner
{
    private const int FamilyBytes = 4;

    // As many packets as a lane takes before the other side has its turn: utun by itself lets one at a time wait here.
    private const int PendingPackets = 64;

    // Packets to this machine itself and what is no packet are passed over.
    private const int MaxSkips = 64;

    private readonly SafeHandle _fd;
    private readonly UInt128[] _own;

    /// <summary>Makes it of a connected socket, which it owns from then on.</summary>
    internal MacOSTunDevice(SafeHandle fd, string name, int mtu, IReadOnlyList<TunAddress> addresses)
    {
        (_fd, Name, Mtu, Addresses) = (fd, name, mtu, addresses);
        _own = [.. addresses.Select(a => Key(a.Address.GetAddressBytes()))];
    }

    public SafeHandle Descriptor => _fd;

    public string Name { get; }

    public int Mtu { get; }

    public IReadOnlyList<TunAddress> Addresses { get; }

    public static MacOSTunDevice Open(TunOptions options)
    {
        SafeFileDescriptor fd = UnixNative.Socket(MacOSNative.AfSystem, UnixNative.SockDgram, MacOSNative.SysProtoControl);
        try
        {
            if (fd.IsInvalid)
            {
                throw ConnectFailed(options.Name, Marshal.GetLastPInvokeError());
            }

            Connect(fd, options.Name);
            string name = NameOf(fd);
            uint pending = PendingPackets;
            _ = UnixNative.SetSockOpt(fd, MacOSNative.SysProtoControl, MacOSNative.UtunOptMaxPendingPackets, &pending, sizeof(uint));
            int on = 1;
            int errno = MacOSNative.Ioctl(fd, MacOSNative.FioNbIo, &on);
            if (errno != 0)
            {
                throw new TunException(TunError.Failed, $"The system refused to read the interface {name} without waiting: {UnixNative.Describe(errno)}.");
            }

            MacOSNative.CloseOnExec(fd);
            return new MacOSTunDevice(fd, name, options.Mtu, UtunInterface.Configure(new MacOSNetwork(), name, (ushort)UnixNative.IfNameToIndex(name), options));
        }
        catch
        {
            fd.Dispose();
            throw;
        }
    }

    public int Read(Span<byte> buffer)
    {
        byte* family = stackalloc byte[FamilyBytes];
        fixed (byte* p = buffer)
        {
            UnixNative.IoVec* vectors = stackalloc UnixNative.IoVec[2];
            vectors[0] = new UnixNative.IoVec { Base = family, Length = FamilyBytes };
            vectors[1] = new UnixNative.IoVec { Base = p, Length = (nuint)buffer.Length };
            for (int i = 0; i < MaxSkips; i++)
            {
                nint n = UnixNative.ReadV(_fd, vectors, 2);
                if (n == 0 || (n < 0 && Marshal.GetLastPInvokeError() is UnixNative.ENxIo or UnixNative.EBadF))
                {
                    throw new TunException(TunError.Gone, $"The network interface {Name} was taken away by the system. Start the peer again.");
                }

                if (n < 0)
                {
                    break;
                }

                int length = (int)n - FamilyBytes;
                if (length > 0 && !IsOwn(buffer[..length]))
                {
                    return length;
                }

                if (length > 0)
                {
                    // macOS routes what goes to the address of a tunnel into it, even from this machine itself: it is handed back.
                    Write(buffer[..length]);
                }
            }
        }

        return 0;
    }

    public bool Write(ReadOnlySpan<byte> packet)
    {
        byte* family = stackalloc byte[FamilyBytes];
        if (!TryWriteFamily(packet, new Span<byte>(family, FamilyBytes)))
        {
            return false;
        }

        fixed (byte* p = packet)
        {
            UnixNative.IoVec* vectors = stackalloc UnixNative.IoVec[2];
            vectors[0] = new UnixNative.IoVec { Base = family, Length = FamilyBytes };
            vectors[1] = new UnixNative.IoVec { Base = p, Length = (nuint)packet.Length };
            return UnixNative.WriteV(_fd, vectors, 2) == FamilyBytes + packet.Length;
        }
    }

    public void Dispose() => _fd.Dispose();

    /// <summary>Writes the four bytes before a packet: its family, in network order.</summary>
    /// <returns>False for what is no packet.</returns>
    internal static bool TryWriteFamily(ReadOnlySpan<byte> packet, Span<byte> family)
    {
        int number = packet.IsEmpty ? 0 : (packet[0] >> 4) switch { 4 => UnixNative.AfInet, 6 => MacOSNative.AfInet6, _ => 0 };
        BinaryPrimitives.WriteInt32BigEndian(family, number);
        return number != 0;
    }

    internal static TunException NotPermitted() =>
        new(TunError.NotPermitted, "This process may not make a network interface. Run it as root (sudo).");

    /// <summary>What a person is told when no interface came of it.</summary>
    internal static TunException ConnectFailed(string name, int errno) => errno switch
    {
        UnixNative.EPerm or UnixNative.EAcces => NotPermitted(),
        UnixNative.EBusy => new TunException(TunError.NameInUse, $"A network interface named {name} exists already. Another peer or VPN may be using it; stop it, or leave the choice to the system with a name that does not begin with utun."),
        UnixNative.ENoEnt => new TunException(TunError.NoDriver, "This system offers no utun interfaces (there is no kernel control " + UtunRequests.ControlName + ")."),
        _ => new TunException(TunError.Failed, $"The system refused to make a utun interface: {UnixNative.Describe(errno)}."),
    };

    private static void Connect(SafeFileDescriptor fd, string name)
    {
        byte[] info = UtunRequests.ControlInfo();
        int errno;
        fixed (byte* p = info)
        {
            errno = MacOSNative.Ioctl(fd, MacOSNative.CtlIocGInfo, p);
        }

        byte[] address = UtunRequests.ControlAddress(UtunRequests.ControlId(info), UtunRequests.UnitOf(name));
        fixed (byte* p = address)
        {
            if (errno == 0 && UnixNative.Connect(fd, p, (uint)address.Length) != 0)
            {
                errno = Marshal.GetLastPInvokeError();
            }
        }

        if (errno != 0)
        {
            throw ConnectFailed(name, errno);
        }
    }

    private static string NameOf(SafeFileDescriptor fd)
    {
        byte* name = stackalloc byte[17];
        uint length = 16;
        if (UnixNative.GetSockOpt(fd, MacOSNative.SysProtoControl, MacOSNative.UtunOptIfName, name, &length) != 0)
        {
            throw new TunException(TunError.Failed, $"The system does not tell the name of the interface it made: {UnixNative.Describe(Marshal.GetLastPInvokeError())}.");
        }

        return Encoding.ASCII.GetString(name, (int)length).TrimEnd('\0');
    }

    private static UInt128 Key(ReadOnlySpan<byte> address) =>
        address.Length == 16 ? BinaryPrimitives.ReadUInt128BigEndian(address) : BinaryPrimitives.ReadUInt32BigEndian(address);

    private bool IsOwn(ReadOnlySpan<byte> packet)
    {
        // Where the destination lies in the headers of IPv4 and IPv6 (RFC 791 section 3.1, RFC 8200 section 3).
        int at = packet[0] >> 4 == 6 ? 24 : 16, bytes = at == 24 ? 16 : 4;
        return packet.Length >= at + bytes && Array.IndexOf(_own, Key(packet.Slice(at, bytes))) >= 0;
    }
}
