using System.Buffers.Binary;
using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Sockets;

/// <summary>A dual-stack AF_INET6 socket, or AF_INET where the kernel has no IPv6; recvmmsg and sendto on native structures, without allocation.</summary>
internal sealed unsafe partial class LinuxUdpSocket : IUdpSocket, IDescriptorOwner
{
    private const int MaxBatch = 64;
    private readonly SafeFileDescriptor _fd;
    private readonly ReceiveBlock _block;

    private LinuxUdpSocket(SafeFileDescriptor fd, bool v6, int port, UdpSocketOptions options)
    {
        _refusals = new SegmentationRefusals(options.Time);
        Offloads = SetOffloads(fd, options.Offloads);
        _fd = fd;
        HasIPv6 = v6;
        Port = port;
        _block = new ReceiveBlock();
    }

    public int Port { get; }

    public bool HasIPv6 { get; }

    public SafeHandle Descriptor => _fd;

    public static IReadOnlyList<IUdpSocket> OpenGroup(UdpSocketOptions options, int count)
    {
        bool v6 = true;
        var descriptors = new List<SafeFileDescriptor> { Bind(LinuxNative.AfInet6, options, shared: false, out int errno) };
        if (errno is LinuxNative.EAfNoSupport or LinuxNative.EAddrNotAvail)
        {
            v6 = false;
            descriptors[0].Dispose();
            descriptors[0] = Bind(UnixNative.AfInet, options, shared: false, out errno);
        }

        if (errno != 0)
        {
            descriptors[0].Dispose();
            throw OpenFailed(options, errno);
        }

        options = options with { Port = PortOf(descriptors[0]) };

        // The first was bound without sharing, so the port is nobody else's. Only then it lets the others in.
        bool steered = count > 1 && UnixNative.SetOption(descriptors[0], LinuxNative.SolSocket, LinuxNative.SoReusePort, 1) == 0;
        while (steered && descriptors.Count < count)
        {
            descriptors.Add(Bind(v6 ? LinuxNative.AfInet6 : UnixNative.AfInet, options, shared: true, out errno));
            steered = errno == 0;
        }

        if (descriptors.Count > 1 && !(steered && ReceiverSteering.TryAttach(descriptors[0], count)))
        {
            descriptors.Skip(1).ToList().ForEach(fd => fd.Dispose());
            descriptors.RemoveRange(1, descriptors.Count - 1);
        }

        return [.. descriptors.Select(fd => new LinuxUdpSocket(fd, v6, options.Port, options))];
    }

    public int Receive(Span<byte> buffers, int stride, Span<int> lengths, Span<UdpEndpoint> sources)
    {
        if ((Offloads & UdpOffloads.ReceiveCoalescing) != 0)
        {
            throw new InvalidOperationException("This socket receives trains of datagrams: ReceiveSegments takes them.");
        }

        int count = Math.Min(Math.Min(lengths.Length, sources.Length), Math.Min(MaxBatch, buffers.Length / stride));
        fixed (byte* p = buffers)
        {
            LinuxNative.MMsgHdr* headers = _block.Headers;
            for (int i = 0; i < count; i++)
            {
                _block.Vectors[i] = new UnixNative.IoVec { Base = p + (nint)i * stride, Length = (nuint)stride };
                headers[i].Header = new LinuxNative.MsgHdr { Name = _block.Names + i * SocketNameFormat.Bytes, NameLength = SocketNameFormat.Bytes, Vectors = _block.Vectors + i, VectorCount = 1 };
                headers[i].Length = 0;
            }

            int received = LinuxNative.RecvMMsg(_fd, headers, (uint)count, LinuxNative.MsgDontWait, null);
            for (int i = 0; i < received; i++)
            {
                lengths[i] = (int)headers[i].Length;
                sources[i] = SocketNameFormat.Linux.Read(_block.Names + i * SocketNameFormat.Bytes);
            }

            return Math.Max(received, 0);
        }
    }

    public bool Send(ReadOnlySpan<byte> datagram, in UdpEndpoint destination)
    {
        byte* name = stackalloc byte[SocketNameFormat.Bytes];
        uint length = SocketNameFormat.Linux.Write(name, destination, HasIPv6);
        fixed (byte* p = datagram)
        {
            return length != 0 && new Sender(_fd, name, length).SendOne(p, datagram.Length);
        }
    }

    public void Dispose()
    {
        _fd.Dispose();
        _block.Dispose();
    }

    private static int PortOf(SafeFileDescriptor fd)
    {
        byte* name = stackalloc byte[SocketNameFormat.Bytes];
        uint length = SocketNameFormat.Bytes;
        _ = UnixNative.GetSockName(fd, name, &length);
        return BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(name + 2, 2));
    }

    private static SafeFileDescriptor Bind(int family, UdpSocketOptions options, bool shared, out int errno)
    {
        SafeFileDescriptor fd = UnixNative.Socket(family, UnixNative.SockDgram | LinuxNative.SockCloExec, 0);
        if (fd.IsInvalid)
        {
            errno = Marshal.GetLastPInvokeError();
            return fd;
        }

        errno = family == LinuxNative.AfInet6 ? UnixNative.SetOption(fd, LinuxNative.IpProtoIpv6, LinuxNative.Ipv6V6Only, 0) : 0;
        if (errno == 0 && options.FirewallMark != 0)
        {
            errno = UnixNative.SetOption(fd, LinuxNative.SolSocket, LinuxNative.SoMark, (int)options.FirewallMark);
        }

        if (errno == 0 && shared)
        {
            errno = UnixNative.SetOption(fd, LinuxNative.SolSocket, LinuxNative.SoReusePort, 1);
        }

        if (errno != 0)
        {
            return fd;
        }

        SetBuffer(fd, LinuxNative.SoRcvBufForce, LinuxNative.SoRcvBuf, options.BufferBytes);
        SetBuffer(fd, LinuxNative.SoSndBufForce, LinuxNative.SoSndBuf, options.BufferBytes);
        byte* name = stackalloc byte[SocketNameFormat.Bytes];
        new Span<byte>(name, SocketNameFormat.Bytes).Clear();
        *(ushort*)name = (ushort)family;
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(name + 2, 2), (ushort)options.Port);
        errno = UnixNative.Bind(fd, name, family == LinuxNative.AfInet6 ? 28u : 16u) == 0 ? 0 : Marshal.GetLastPInvokeError();
        return fd;
    }

    private static void SetBuffer(SafeFileDescriptor fd, int force, int plain, int bytes)
    {
        // The forced form passes the system's limit where we may; a smaller buffer costs throughput, not function.
        if (UnixNative.SetOption(fd, LinuxNative.SolSocket, force, bytes) != 0)
        {
            _ = UnixNative.SetOption(fd, LinuxNative.SolSocket, plain, bytes);
        }
    }

    private static UdpSocketException OpenFailed(UdpSocketOptions options, int errno)
    {
        int port = options.Port;
        switch (errno)
        {
            case LinuxNative.EAddrInUse:
                return UdpBinding.InUse(port);
            case UnixNative.EPerm or UnixNative.EAcces:
                return new UdpSocketException(UdpError.NotPermitted, port, $"This process may not open UDP port {port}{(options.FirewallMark == 0 ? string.Empty : " with a firewall mark")}. Run it as root (sudo), or with the capability CAP_NET_ADMIN.");
            default:
                return new UdpSocketException(UdpError.Failed, port, $"UDP port {port} could not be opened: {UnixNative.Describe(errno)}.");
        }
    }

    /// <summary>The native structures of one recvmmsg; freed by the finalizer too, should nobody dispose the socket.</summary>
    private sealed class ReceiveBlock : SafeHandle
    {
        public ReceiveBlock()
            : base(0, ownsHandle: true)
        {
            nuint headers = (nuint)(sizeof(LinuxNative.MMsgHdr) * MaxBatch), vectors = (nuint)(sizeof(UnixNative.IoVec) * MaxBatch);
            byte* memory = (byte*)NativeMemory.AllocZeroed(headers + vectors + SocketNameFormat.Bytes * MaxBatch);
            SetHandle((nint)memory);
            Headers = (LinuxNative.MMsgHdr*)memory;
            Vectors = (UnixNative.IoVec*)(memory + headers);
            Names = memory + headers + vectors;
        }

        public LinuxNative.MMsgHdr* Headers { get; }

        public UnixNative.IoVec* Vectors { get; }

        public byte* Names { get; }

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            NativeMemory.Free((void*)handle);
            return true;
        }
    }
}
