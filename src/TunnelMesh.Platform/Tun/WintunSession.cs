using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Tun;

/// <summary>
/// An adapter of Wintun and the session on it; both end once nothing uses them any more. A received packet counts as use: it lies in the
/// session's memory.
/// </summary>
internal sealed unsafe class WintunSession : SafeHandle
{
    private readonly IWintun _wintun;
    private readonly nint _adapter;

    /// <summary>Takes both over.</summary>
    public WintunSession(IWintun wintun, nint adapter, nint session)
        : base(0, ownsHandle: true)
    {
        (_wintun, _adapter) = (wintun, adapter);
        SetHandle(session);
    }

    public override bool IsInvalid => handle == 0;

    /// <summary>The event that is set when packets come; valid as long as the session.</summary>
    public nint ReadEvent => _wintun.ReadEventOf(handle);

    /// <summary>The next packet, to be given back by <see cref="Release"/>, or null and the error.</summary>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public byte* Receive(out uint length, out int error)
    {
        bool held = false;
        byte* packet = null;
        try
        {
            DangerousAddRef(ref held);
            packet = _wintun.Receive(handle, out length, out error);
            return packet;
        }
        finally
        {
            if (held && packet is null)
            {
                DangerousRelease();
            }
        }
    }

    /// <summary>Gives back a packet of <see cref="Receive"/>.</summary>
    public void Release(byte* packet)
    {
        _wintun.Release(handle, packet);
        DangerousRelease();
    }

    /// <summary>Hands over a packet.</summary>
    /// <returns>False when the ring is full, or the adapter going.</returns>
    /// <exception cref="ObjectDisposedException">The session has ended.</exception>
    public bool Send(ReadOnlySpan<byte> packet)
    {
        bool held = false;
        try
        {
            DangerousAddRef(ref held);
            byte* room = _wintun.Allocate(handle, (uint)packet.Length, out _);
            if (room is null)
            {
                return false;
            }

            packet.CopyTo(new Span<byte>(room, packet.Length));
            _wintun.Send(handle, room);
            return true;
        }
        finally
        {
            if (held)
            {
                DangerousRelease();
            }
        }
    }

    protected override bool ReleaseHandle()
    {
        _wintun.EndSession(handle);
        _wintun.CloseAdapter(_adapter);
        return true;
    }
}
