namespace TunnelMesh.Platform.Tun;

/// <summary>The functions of wintun.dll (api/wintun.h of version 0.14); where they give a null pointer, the error says why.</summary>
internal unsafe interface IWintun
{
    nint CreateAdapter(string name, string tunnelType, Guid id, out int error);

    /// <summary>The number by which the rest of the system knows the adapter.</summary>
    ulong LuidOf(nint adapter);

    nint StartSession(nint adapter, uint ringBytes, out int error);

    /// <summary>The event that is set when packets come; the session's.</summary>
    nint ReadEventOf(nint session);

    /// <summary>The next packet, in the ring; the caller's until it is released.</summary>
    byte* Receive(nint session, out uint length, out int error);

    void Release(nint session, byte* packet);

    /// <summary>Room in the ring for a packet; to be filled and sent.</summary>
    byte* Allocate(nint session, uint length, out int error);

    void Send(nint session, byte* packet);

    void EndSession(nint session);

    /// <summary>Removes the adapter, too.</summary>
    void CloseAdapter(nint adapter);
}
