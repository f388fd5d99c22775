namespace TunnelMesh.Node.Transports.Ssh;

/// <summary>Whom a stream tells what happens to it, on its reading task unless said otherwise.</summary>
internal interface ISshStreamOwner
{
    /// <summary>The channel is open; nothing has been received yet.</summary>
    void Opened(SshStream stream);

    /// <summary>Frames of datagrams; to be used up before it returns.</summary>
    void Received(SshStream stream, ReadOnlySpan<byte> data);

    /// <summary>The other side ends, and this one will once it has sent what waits.</summary>
    void RemoteEnded(SshStream stream);

    /// <summary>It is over, whether it was ever open or not; the last call, on any thread.</summary>
    void Closed(SshStream stream);
}
