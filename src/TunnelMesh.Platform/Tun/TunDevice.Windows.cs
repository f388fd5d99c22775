using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Routes;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Platform.Tun;

/// <summary>
/// A Wintun adapter. Packets lie in two rings that driver and process share: one read out of its place costs neither a system call
/// nor a copy, and the driver is woken only where it sleeps, so a batch is what is read until nothing is left.
/// </summary>
internal sealed unsafe class WindowsTunDevice : ITunDevice, IEventOwner
{
    // For each direction: 5,700 packets of 1,400 bytes. Wintun takes a power of two from 128 KiB to 64 MiB.
    private const uint RingBytes = 8 << 20;

    private const string TunnelType = "TunnelMesh";

    private readonly WintunSession _session;
    private readonly BorrowedEvent _arrived;
    private byte* _held;

    private WindowsTunDevice(WintunSession session, string name, int mtu, IReadOnlyList<TunAddress> addresses)
    {
        (_session, Name, Mtu, Addresses) = (session, name, mtu, addresses);
        _arrived = new BorrowedEvent(session.ReadEvent);
    }

    public string Name { get; }

    public int Mtu { get; }

    public IReadOnlyList<TunAddress> Addresses { get; }

    public WaitHandle Arrived => _arrived;

    public bool MayHaveMore { get; private set; } = true;

    public static WindowsTunDevice Open(TunOptions options) => Environment.IsPrivilegedProcess
        ? Open(options, Wintun.Load(AppContext.BaseDirectory), new IpHelper(), Thread.Sleep)
        : throw WintunInterface.NotPermitted();

    /// <summary>Makes an adapter and all that belongs to it.</summary>
    /// <param name="options">What it shall look like.</param>
    /// <param name="wintun">The driver.</param>
    /// <param name="ip">The system.</param>
    /// <param name="pause">Sleeps.</param>
    /// <exception cref="TunException">It could not be made; nothing is left behind.</exception>
    internal static WindowsTunDevice Open(TunOptions options, IWintun wintun, IIpHelper ip, Action<TimeSpan> pause)
    {
        if (ip.Exists(options.Name))
        {
            throw NameInUse(options.Name);
        }

        nint adapter = wintun.CreateAdapter(options.Name, TunnelType, IdOf(options.Name), out int error);
        if (adapter == 0)
        {
            throw error is WindowsNative.AlreadyExists or WindowsNative.DuplicateName or WindowsNative.ObjectAlreadyExists
                ? NameInUse(options.Name)
                : WintunInterface.Failed(error, options.Name, "make");
        }

        nint handle = wintun.StartSession(adapter, RingBytes, out error);
        if (handle == 0)
        {
            wintun.CloseAdapter(adapter);
            throw WintunInterface.Failed(error, options.Name, "open");
        }

        WintunSession session = new(wintun, adapter, handle);
        try
        {
            ulong luid = wintun.LuidOf(adapter);
            List<TunAddress> set = WintunInterface.Configure(ip, luid, options, pause);
            return new WindowsTunDevice(session, ip.AliasOf(luid) ?? options.Name, options.Mtu, set);
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    public int Read(Span<byte> buffer)
    {
        while (true)
        {
            ReadOnlySpan<byte> packet = TakeFrame(buffer, out _);
            if (packet.Length <= buffer.Length)
            {
                packet.CopyTo(buffer);
                return packet.Length;
            }
        }
    }

    public ReadOnlySpan<byte> TakeFrame(Span<byte> buffer, out VirtioNetHeader header)
    {
        header = default;
        do
        {
            GiveBack();
            _held = _session.Receive(out uint length, out int error);
            if (_held is not null && length > 0)
            {
                MayHaveMore = true;
                return new ReadOnlySpan<byte>(_held, (int)length);
            }

            if (_held is null && error != WindowsNative.NoMoreItems)
            {
                throw error == WindowsNative.HandleEof
                    ? new TunException(TunError.Gone, $"The network interface {Name} was removed from outside (for example in the device manager). Start the peer again.")
                    : new TunException(TunError.Failed, $"The network interface {Name} cannot be read any more: {WindowsNative.Describe(error)}. Start the peer again.");
            }
        }
        while (_held is not null);
        MayHaveMore = false;
        return default;
    }

    public bool Write(ReadOnlySpan<byte> packet) => !packet.IsEmpty && packet.Length <= TunDevice.MaxMtu && _session.Send(packet);

    public void Dispose()
    {
        GiveBack();
        _session.Dispose();
        _arrived.Dispose();
    }

    /// <summary>
    /// The same adapter number for the same name, so that the system recognises the network again instead of asking about a new one at each
    /// start. A version 8 UUID (RFC 9562 section 5.8).
    /// </summary>
    internal static Guid IdOf(string name)
    {
        byte[] id = SHA256.HashData(Encoding.UTF8.GetBytes("tunnelmesh adapter " + name))[..16];
        id[6] = (byte)((id[6] & 0x0f) | 0x80);
        id[8] = (byte)((id[8] & 0x3f) | 0x80);
        return new Guid(id, bigEndian: true);
    }

    private static TunException NameInUse(string name) =>
        new(TunError.NameInUse, $"A network interface named {name} exists already. Another peer may be running here; stop it, or choose another interface name (look with: netsh interface show interface).");

    private void GiveBack()
    {
        if (_held is not null)
        {
            _session.Release(_held);
            _held = null;
        }
    }

    /// <summary>An event that somebody else closes.</summary>
    private sealed class BorrowedEvent : WaitHandle
    {
        public BorrowedEvent(nint handle) => SafeWaitHandle = new SafeWaitHandle(handle, ownsHandle: false);
    }
}
