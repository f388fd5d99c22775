using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Routes;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Platform.Tun;

/// <summary>A TUN device through /dev/net/tun; the kernel removes it, its addresses and routes when the descriptor is closed.</summary>
internal sealed unsafe partial class LinuxTunDevice : ITunDevice, IDescriptorOwner
{
    private const nuint TunSetIff = 0x400454ca;
    private const int IffTun = 1, IffMultiQueue = 0x100, IffNoPi = 0x1000, IffVnetHdr = 0x4000;

    // Refuses to attach to a persistent device that somebody else made.
    private const int IffTunExcl = 0x8000;

    private readonly SafeFileDescriptor _fd;
    private readonly TunKeeper _keeper;

    private LinuxTunDevice(SafeFileDescriptor fd, string name, int mtu, bool vnetHeader, TunOffloads offloads, IReadOnlyList<TunAddress> addresses, TunKeeper keeper)
    {
        _keeper = keeper;
        _vnetHeader = vnetHeader;
        Offloads = offloads;
        _fd = fd;
        Name = name;
        Mtu = mtu;
        Addresses = addresses;
    }

    public SafeHandle Descriptor => _fd;

    public string Name { get; }

    public int Mtu { get; }

    public IReadOnlyList<TunAddress> Addresses { get; }

    public static bool HasQueues()
    {
        using SafeFileDescriptor fd = LinuxNative.Open("/dev/net/tun", LinuxNative.ORdWr | LinuxNative.OCloExec, 0);
        return !fd.IsInvalid && (Features(fd) & IffMultiQueue) != 0;
    }

    public static IReadOnlyList<ITunDevice> OpenQueues(TunOptions options, int count)
    {
        var queues = new List<SafeFileDescriptor>();
        try
        {
            SafeFileDescriptor first = OpenDriver();
            queues.Add(first);
            uint features = Features(first);
            bool vnetHeader = options.Offloads != TunOffloads.None && (features & IffVnetHdr) != 0;
            int kind = IffTun | IffNoPi | (vnetHeader ? IffVnetHdr : 0) | (count > 1 && (features & IffMultiQueue) != 0 ? IffMultiQueue : 0);
            Attach(first, options.Name, kind | IffTunExcl);
            while ((kind & IffMultiQueue) != 0 && queues.Count < count)
            {
                SafeFileDescriptor further = OpenDriver();
                queues.Add(further);
                Attach(further, options.Name, kind);
            }

            TunOffloads offloads = vnetHeader ? SetOffloads(first, options.Offloads) : TunOffloads.None;
            uint index = UnixNative.IfNameToIndex(options.Name);
            List<TunAddress> set = Configure(options, index);
            // All queues are one interface.
            TunKeeper keeper = new(() => new NetlinkSocket(), index, options with { Addresses = set });
            return [.. queues.Select(fd => new LinuxTunDevice(fd, options.Name, options.Mtu, vnetHeader, offloads, set, keeper))];
        }
        catch
        {
            queues.ForEach(fd => fd.Dispose());
            throw;
        }
    }

    public TunLook Restore() => _keeper.Restore();

    public IDisposable? Watch(Action notice) => _keeper.Watch(notice);

    public void Dispose()
    {
        _fd.Dispose();
        _keeper.Dispose();
    }

    private static SafeFileDescriptor OpenDriver()
    {
        SafeFileDescriptor fd = LinuxNative.Open("/dev/net/tun", LinuxNative.ORdWr | LinuxNative.ONonBlock | LinuxNative.OCloExec, 0);
        if (fd.IsInvalid)
        {
            int errno = Marshal.GetLastPInvokeError();
            fd.Dispose();
            throw OpenFailed(errno);
        }

        return fd;
    }

    private static void Attach(SafeFileDescriptor fd, string name, int flags)
    {
        byte* request = stackalloc byte[40];
        new Span<byte>(request, 40).Clear();
        Encoding.UTF8.GetBytes(name, new Span<byte>(request, 15));
        *(ushort*)(request + 16) = (ushort)flags;
        if (LinuxNative.Ioctl(fd, TunSetIff, request) == 0)
        {
            return;
        }

        int errno = Marshal.GetLastPInvokeError();
        if (errno is UnixNative.EBusy or UnixNative.EExist || (errno == UnixNative.EInval && UnixNative.IfNameToIndex(name) != 0))
        {
            throw new TunException(TunError.NameInUse, $"A network interface named {name} exists already. Another peer may be running here; stop it, or choose another interface name (look with: ip link show {name}).");
        }

        if (errno is UnixNative.EPerm or UnixNative.EAcces)
        {
            throw NotPermitted(name);
        }

        throw new TunException(TunError.Failed, $"The system refused to make the interface {name}: {UnixNative.Describe(errno)}.");
    }

    private static List<TunAddress> Configure(TunOptions options, uint index)
    {
        using var netlink = new NetlinkSocket();
        Check(netlink.SetMtu(index, options.Mtu), options.Name, "set the MTU of");

        // No link-local address: router solicitations would otherwise enter the tunnel. Kernels without IPv6 refuse this, harmlessly.
        _ = netlink.DisableAddressGeneration(index);
        if (options.SuperPacketBytes is { } bytes)
        {
            // Older kernels refuse this: their super-packets stay larger, which only costs a little.
            _ = netlink.SetSuperPacket(index, bytes);
        }

        Check(netlink.SetUp(index), options.Name, "bring up");
        var set = new List<TunAddress>();
        foreach (TunAddress address in options.Addresses)
        {
            int errno = netlink.AddAddress(index, address.Address, address.PrefixLength);
            bool v6 = address.Address.AddressFamily == AddressFamily.InterNetworkV6;
            if (v6 && errno is UnixNative.EAcces or LinuxNative.EOpNotSupp or LinuxNative.EAfNoSupport)
            {
                continue; // IPv6 is switched off on this machine; IPv4 works on.
            }

            Check(errno, options.Name, $"give the address {address.Address}/{address.PrefixLength} to");
            set.Add(address);
        }

        foreach (System.Net.IPNetwork route in options.Routes)
        {
            bool v6 = route.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;
            if (v6 && !set.Exists(a => a.Address.AddressFamily == AddressFamily.InterNetworkV6))
            {
                continue;
            }

            Check(netlink.AddRoute(index, route), options.Name, $"route {route} into");
        }

        return set;
    }

    private static void Check(int errno, string name, string action)
    {
        if (errno == 0)
        {
            return;
        }

        throw errno is UnixNative.EPerm
            ? NotPermitted(name)
            : new TunException(TunError.Failed, $"The system refused to {action} the interface {name}: {UnixNative.Describe(errno)}.");
    }

    private static TunException OpenFailed(int errno) => errno switch
    {
        UnixNative.ENoEnt or UnixNative.ENoDev or 6 => new TunException(TunError.NoDriver, "There is no /dev/net/tun on this machine. Load the driver (modprobe tun); in a container start it with --device /dev/net/tun --cap-add NET_ADMIN."),
        UnixNative.EPerm or UnixNative.EAcces => new TunException(TunError.NotPermitted, "This process may not open /dev/net/tun. Run it as root (sudo), or with the capability CAP_NET_ADMIN."),
        _ => new TunException(TunError.Failed, $"/dev/net/tun could not be opened: {UnixNative.Describe(errno)}."),
    };

    private static TunException NotPermitted(string name) =>
        new(TunError.NotPermitted, $"This process may not make the network interface {name}. Run it as root (sudo), or with the capability CAP_NET_ADMIN.");
}
