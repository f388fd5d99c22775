using TunnelMesh.Protocol.Ssh;

namespace TunnelMesh.Node.Transports.Ssh;

/// <summary>A packet of datagrams that waits to be sealed in place and sent. One owner at a time.</summary>
internal sealed class SendPacket
{
    private int _lastFrame;

    /// <summary>Pinned, so that neither the cipher nor the kernel makes the collector work.</summary>
    public byte[] Buffer { get; } = GC.AllocateUninitializedArray<byte>(SshPacket.BufferBytes, pinned: true);

    /// <summary>Bytes of frames.</summary>
    public int Length { get; private set; }

    /// <summary>Datagrams in them.</summary>
    public int Datagrams { get; private set; }

    public void Clear() => (Length, Datagrams, _lastFrame) = (0, 0, -1);

    /// <summary>Copies datagrams behind those that are there; false when there is no room.</summary>
    public bool TryAppend(ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        int length = Length;
        if (!DatagramFrames.TryAppend(Buffer.AsSpan(SshPacket.DataOffset, SshPacket.MaxData), ref length, ref _lastFrame, datagrams, segmentSize))
        {
            return false;
        }
        Length = length;
        Datagrams += DatagramFrames.Count(datagrams.Length, segmentSize);
        return true;
    }
}
