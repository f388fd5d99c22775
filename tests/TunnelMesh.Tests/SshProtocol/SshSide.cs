using TunnelMesh.Protocol.Ssh;

namespace TunnelMesh.Tests.SshProtocol;

/// <summary>One side of an <see cref="SshPair"/>: a connection, what has arrived for it, and what it made of it.</summary>
internal sealed class SshSide(SshConnection connection, TimeProvider time) : IDisposable
{
    private readonly byte[] _control = new byte[36 * 1024];
    private byte[] _unread = [];

    public SshConnection Connection => connection;

    public List<SshEvent> Events { get; } = [];

    public List<byte[]> Datagrams { get; } = [];

    /// <summary>Called instead of going on by itself when the server has proved its key.</summary>
    public Action? OnHostVerified { get; init; }

    public bool IsClosed => Events.Contains(SshEvent.Closed);

    /// <summary>Everything it wants to say now.</summary>
    public byte[] Write()
    {
        List<byte> all = [];
        while (connection.WriteControl(_control, time.GetTimestamp()) is var written and > 0)
        {
            all.AddRange(_control.AsSpan(0, written));
        }
        return [.. all];
    }

    /// <summary>Hears some bytes more.</summary>
    public void Hear(ReadOnlySpan<byte> bytes)
    {
        byte[] all = [.. _unread, .. bytes];
        int at = 0;
        while (true)
        {
            SshStep step = connection.Read(all.AsSpan(at), time.GetTimestamp());
            if (step.Event != SshEvent.NeedMore)
            {
                Events.Add(step.Event);
            }
            if (step.Event == SshEvent.HostVerified)
            {
                (OnHostVerified ?? connection.Authenticate)();
            }
            if (step.Event == SshEvent.Data)
            {
                Take(all.AsSpan(at + step.DataOffset, step.DataLength));
            }
            at += step.Consumed;
            if (step.Event is SshEvent.NeedMore or SshEvent.Closed)
            {
                _unread = all[at..];
                return;
            }
        }
    }

    /// <summary>A packet of datagrams, or null when none may be sent now.</summary>
    public byte[]? Seal(ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        byte[] buffer = new byte[SshPacket.BufferBytes];
        int length = 0, lastFrame = -1;
        Assert.True(DatagramFrames.TryAppend(buffer.AsSpan(SshPacket.DataOffset, SshPacket.MaxData), ref length, ref lastFrame, datagrams, segmentSize));
        return connection.TryReserve(length) ? buffer[..connection.SealData(buffer, length, time.GetTimestamp())] : null;
    }

    public void Dispose() => connection.Dispose();

    private void Take(ReadOnlySpan<byte> data)
    {
        while (DatagramFrames.TryTake(ref data, out ReadOnlySpan<byte> datagrams, out int size))
        {
            for (int i = 0; i < datagrams.Length; i += size)
            {
                Datagrams.Add(datagrams.Slice(i, Math.Min(size, datagrams.Length - i)).ToArray());
            }
        }
        Assert.True(data.IsEmpty);
    }
}
