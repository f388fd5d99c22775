using System.Buffers.Binary;
using System.Runtime.InteropServices;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Capture;

/// <summary>
/// Every packet at one device of a machine, whole, both ways: AF_PACKET with PACKET_VNET_HDR, which tells a complete checksum from one
/// that the kernel or the hardware is to complete (packet(7), linux/virtio_net.h).
/// </summary>
internal sealed partial class PacketCapture : IDisposable
{
    private const int AfPacket = 17, SockRaw = 3, CloseOnExec = 0x80000, ProtocolAll = 3, OutgoingType = 4;
    private const int SolSocket = 1, ReceiveTimeout = 20, ReceiveBufferForce = 33, SolPacket = 263, PacketStatistics = 6, PacketVnetHeader = 15;

    // SIOCGSTAMPNS: when the last packet passed that was received. The first call has the kernel note it.
    private const uint GetStamp = 0x8907;
    private const int VnetHeaderSize = 10, NeedsChecksum = 1;

    // Nothing may be lost: room for all that a test sends.
    private const int BufferBytes = 256 << 20;

    private readonly int _fd;
    private readonly int _linkHeader;
    private readonly Thread _thread;
    private readonly List<CapturedPacket> _packets = [];
    private DateTimeOffset _end;
    private volatile bool _stop;

    private PacketCapture(int fd, int linkHeader)
    {
        (_fd, _linkHeader) = (fd, linkHeader);
        _thread = new Thread(Run) { Name = "capture" };
        _thread.Start();
    }

    /// <summary>Begins. <paramref name="linkHeader"/> is what lies before the IP header: 0 at a TUN, 14 at an Ethernet.</summary>
    public static unsafe PacketCapture Start(NetworkNamespace machine, string device, int linkHeader) => NamespaceThread.Run(machine, () =>
    {
        int fd = Checked(Socket(AfPacket, SockRaw | CloseOnExec, 0), "socket");
        int on = 1, size = BufferBytes;
        long* timeout = stackalloc long[2];
        (timeout[0], timeout[1]) = (0, 50_000);
        Checked(SetOption(fd, SolPacket, PacketVnetHeader, &on, sizeof(int)), "PACKET_VNET_HDR");
        Checked(SetOption(fd, SolSocket, ReceiveBufferForce, &size, sizeof(int)), "SO_RCVBUFFORCE");
        Checked(SetOption(fd, SolSocket, ReceiveTimeout, timeout, 2 * sizeof(long)), "SO_RCVTIMEO");
        _ = Control(fd, GetStamp, timeout);
        byte* address = stackalloc byte[20];
        new Span<byte>(address, 20).Clear();
        *(ushort*)address = AfPacket;
        BinaryPrimitives.WriteUInt16BigEndian(new Span<byte>(address + 2, 2), ProtocolAll);
        *(uint*)(address + 4) = InterfaceIndex(device) is > 0 and var index ? index : throw new IOException($"no device {device}");
        Checked(Bind(fd, address, 20), "bind");
        return new PacketCapture(fd, linkHeader);
    });

    /// <summary>Ends and gives what was there, in order; fails when the kernel had no room for a packet.</summary>
    public unsafe IReadOnlyList<CapturedPacket> Stop()
    {
        End();
        uint* statistics = stackalloc uint[2];
        uint size = 2 * sizeof(uint);
        Checked(GetOption(_fd, SolPacket, PacketStatistics, statistics, &size), "PACKET_STATISTICS");
        Assert.True(statistics[1] == 0, $"the capture lost {statistics[1]} of {statistics[0]} packets");
        return _packets;
    }

    public void Dispose()
    {
        End();
        _ = Close(_fd);
    }

    private void End()
    {
        if (!_stop)
        {
            _end = DateTimeOffset.UtcNow;
            _stop = true;
        }

        _thread.Join();
    }

    private static int Checked(int result, string what) => result >= 0 ? result : throw new IOException($"{what}: error {Marshal.GetLastPInvokeError()}");

    private unsafe void Run()
    {
        byte[] frame = new byte[VnetHeaderSize + 14 + ushort.MaxValue];
        byte* address = stackalloc byte[20];
        long* stamp = stackalloc long[2];
        fixed (byte* p = frame)
        {
            // What waits in the buffer at the end is still taken.
            for (bool last = false; !last;)
            {
                last = _stop;
                uint size = 20;
                for (nint n; (n = ReceiveFrom(_fd, p, (nuint)frame.Length, 0, address, &size)) > VnetHeaderSize + _linkHeader; size = 20)
                {
                    Checked(Control(_fd, GetStamp, stamp), "SIOCGSTAMPNS");
                    DateTimeOffset at = DateTimeOffset.UnixEpoch.AddTicks((stamp[0] * TimeSpan.TicksPerSecond) + (stamp[1] / 100));
                    if (_stop && at > _end)
                    {
                        // A device that is never silent would keep it here for ever.
                        last = true;
                        break;
                    }

                    _packets.Add(new CapturedPacket(
                        address[10] == OutgoingType,
                        (frame[0] & NeedsChecksum) != 0,
                        frame[1],
                        frame.AsSpan(VnetHeaderSize + _linkHeader, (int)n - VnetHeaderSize - _linkHeader).ToArray(),
                        at));
                }
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "socket", SetLastError = true)]
    private static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "bind", SetLastError = true)]
    private static unsafe partial int Bind(int fd, byte* address, uint length);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static unsafe partial int SetOption(int fd, int level, int name, void* value, uint length);

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    private static unsafe partial int GetOption(int fd, int level, int name, void* value, uint* length);

    [LibraryImport("libc", EntryPoint = "recvfrom", SetLastError = true)]
    private static unsafe partial nint ReceiveFrom(int fd, byte* buffer, nuint length, int flags, byte* address, uint* addressLength);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static unsafe partial int Control(int fd, nuint request, void* value);

    [LibraryImport("libc", EntryPoint = "if_nametoindex", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial uint InterfaceIndex(string name);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int fd);
}
