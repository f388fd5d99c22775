using System.Buffers.Binary;
using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Lanes;

namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>A thread that reads the notices of a socket: rtnetlink on Linux, the routing socket on macOS.</summary>
internal sealed unsafe class DescriptorNotices : IDisposable
{
    private const int StackBytes = 128 << 10;
    private const int ErrorPauseMilliseconds = 100;

    // RTMGRP_LINK, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE.
    private const uint Groups = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;

    // NETLINK_NETFILTER, and the bit of NFNLGRP_NFTABLES.
    private const int NetlinkNetfilter = 12;
    private const uint NftablesGroup = 1 << 6;

    private readonly SafeHandle _socket;
    private readonly Func<ReadOnlySpan<byte>, bool> _concerns;
    private readonly Action _notice;
    private readonly int _dontWait;
    private readonly WakeDescriptor _wake;
    private readonly Thread _thread;
    private volatile bool _stop;

    /// <param name="socket">Readable when there is a notice; this object's from now on.</param>
    /// <param name="concerns">Whether what was received is of interest.</param>
    /// <param name="notice">Called for what is; also when notices were lost. Returns soon.</param>
    /// <param name="dontWait">The system's MSG_DONTWAIT.</param>
    public DescriptorNotices(SafeHandle socket, Func<ReadOnlySpan<byte>, bool> concerns, Action notice, int dontWait)
    {
        (_socket, _concerns, _notice, _dontWait) = (socket, concerns, notice, dontWait);
        _wake = WakeDescriptor.Create();
        _thread = new Thread(Run, StackBytes) { IsBackground = true, Name = "network notices" };
        _thread.Start();
    }

    /// <summary>Notices of the calling thread's network namespace.</summary>
    /// <exception cref="IOException">The system gives none.</exception>
    public static DescriptorNotices OfNetlink(Action notice) => OfGroups(0, Groups, RouteNetlink.Concerns, notice);

    /// <summary>Notices about one interface of that namespace.</summary>
    /// <param name="index">The interface.</param>
    /// <param name="notice">As for the others.</param>
    /// <exception cref="IOException">The system gives none.</exception>
    public static DescriptorNotices OfLink(uint index, Action notice) => OfGroups(0, Groups, received => RouteNetlink.Concerns(received, index), notice);

    /// <summary>Notices of changes to the rules of nftables, which iptables mostly writes, too (nfnetlink). Takes CAP_NET_ADMIN.</summary>
    /// <param name="concerns">Whether what was received is of interest.</param>
    /// <param name="notice">As for the others.</param>
    /// <exception cref="IOException">The system gives none.</exception>
    public static DescriptorNotices OfPacketRules(Func<ReadOnlySpan<byte>, bool> concerns, Action notice) => OfGroups(NetlinkNetfilter, NftablesGroup, concerns, notice);

    private static DescriptorNotices OfGroups(int protocol, uint groups, Func<ReadOnlySpan<byte>, bool> concerns, Action notice)
    {
        SafeFileDescriptor socket = UnixNative.Socket(LinuxNative.AfNetlink, UnixNative.SockRaw | LinuxNative.SockCloExec, protocol);
        byte* name = stackalloc byte[12];
        new Span<byte>(name, 12).Clear();
        *(ushort*)name = LinuxNative.AfNetlink;
        *(uint*)(name + 8) = groups;
        return socket.IsInvalid || UnixNative.Bind(socket, name, 12) != 0
            ? throw None(socket)
            : new DescriptorNotices(socket, concerns, notice, LinuxNative.MsgDontWait);
    }

    /// <summary>Notices of macOS.</summary>
    /// <exception cref="IOException">The system gives none.</exception>
    public static DescriptorNotices OfRouteSocket(Action notice)
    {
        SafeFileDescriptor socket = UnixNative.Socket(MacOSNative.AfRoute, UnixNative.SockRaw, 0);
        if (socket.IsInvalid)
        {
            throw None(socket);
        }

        MacOSNative.CloseOnExec(socket);
        return new DescriptorNotices(socket, ConcernsMacOS, notice, MacOSNative.MsgDontWait);
    }

    public void Dispose()
    {
        _stop = true;
        _wake.Signal();
        _thread.Join();
        _socket.Dispose();
        _wake.Dispose();
    }

    // RTM_NEWADDR, RTM_DELADDR, RTM_IFINFO; RTM_ADD, RTM_DELETE and RTM_CHANGE of a route that is no single neighbour's (RTF_HOST).
    internal static bool ConcernsMacOS(ReadOnlySpan<byte> message) => message.Length >= 12
        && (message[3] is 0xc or 0xd or 0xe || (message[3] is 1 or 2 or 3 && (BinaryPrimitives.ReadInt32LittleEndian(message[8..]) & 4) == 0));

    private static IOException None(SafeFileDescriptor socket)
    {
        IOException none = new($"The system gives no notices of changes of its network: {UnixNative.Describe(Marshal.GetLastPInvokeError())}.");
        socket.Dispose();
        return none;
    }

    private void Run()
    {
        byte[] buffer = new byte[16 << 10];
        UnixNative.PollFd* fds = stackalloc UnixNative.PollFd[2];
        while (!_stop)
        {
            fds[0] = new UnixNative.PollFd { Fd = (int)_socket.DangerousGetHandle(), Events = UnixNative.PollIn };
            fds[1] = new UnixNative.PollFd { Fd = (int)_wake.Readable.DangerousGetHandle(), Events = UnixNative.PollIn };
            if (UnixNative.Poll(fds, 2, -1) <= 0 || fds[0].REvents == 0)
            {
                continue;
            }

            nint received;
            fixed (byte* p = buffer)
            {
                received = UnixNative.Recv(_socket, p, (nuint)buffer.Length, _dontWait);
            }

            if (received < 0)
            {
                // Most likely the queue ran over, and what was lost is not known.
                _notice();
                fds[1].REvents = 0;
                UnixNative.Poll(fds + 1, 1, ErrorPauseMilliseconds);
            }
            else if (_concerns(buffer.AsSpan(0, (int)received)))
            {
                _notice();
            }
        }
    }
}
