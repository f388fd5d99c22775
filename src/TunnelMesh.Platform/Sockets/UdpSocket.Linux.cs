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

    public static LinuxUdpSocket Open(UdpSocketOptions options)
    {
        bool v6 = true;
        SafeFileDescriptor fd = Bind(LinuxNative.AfInet6, options, out int errno);
        if (errno is LinuxNative.EAfNoSupport or LinuxNative.EAddrNotAvail)
        {
            v6 = false;
            fd.Dispose();
            fd = Bind(UnixNative.AfInet, options, out errno);
        }

        if (errno != 0)
        {
            fd.Dispose();
            throw OpenFailed(options, errno);
        }

        byte* name = stackalloc byte[SocketNameFormat.Bytes];
        uint length = SocketNameFormat.Bytes;
        _ = UnixNative.GetSockName(fd, name, &length);
        return new LinuxUdpSocket(fd, v6, BinaryPrimitives.ReadUInt16BigEndian(new ReadOnlySpan<byte>(name + 2, 2)), options);
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

    private static SafeFileDescriptor Bind(int family, UdpSocketOptions options, out int errno)
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
