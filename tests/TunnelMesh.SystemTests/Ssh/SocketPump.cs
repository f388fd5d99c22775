using System.Diagnostics;
using System.Net.Sockets;
using TunnelMesh.Protocol.Ssh;

namespace TunnelMesh.SystemTests.Ssh;

/// <summary>Carries the bytes of a connection over a socket, step by step, until something has happened.</summary>
internal sealed class SocketPump(Socket socket, SshConnection connection) : IDisposable
{
    private readonly byte[] _buffer = new byte[SshPacket.MaxBytes];
    private readonly byte[] _control = new byte[36 * 1024];
    private int _length;

    /// <summary>Everything that happened.</summary>
    public List<SshEvent> Events { get; } = [];

    /// <summary>Runs until it holds, or the connection is over; false when neither comes in time.</summary>
    public async Task<bool> RunAsync(Func<bool> holds, TimeSpan limit, CancellationToken cancel)
    {
        using CancellationTokenSource timer = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        timer.CancelAfter(limit);
        try
        {
            while (true)
            {
                await WriteAsync(timer.Token);
                if (holds() || connection.Failure is not null)
                {
                    return holds();
                }
                int read = await socket.ReceiveAsync(_buffer.AsMemory(_length), timer.Token);
                if (read == 0)
                {
                    return holds();
                }
                _length += read;
                Take();
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Sends what there is to say.</summary>
    public async Task WriteAsync(CancellationToken cancel)
    {
        while (connection.WriteControl(_control, Stopwatch.GetTimestamp()) is var written and > 0)
        {
            await socket.SendAsync(_control.AsMemory(0, written), cancel);
        }
    }

    public void Dispose()
    {
        socket.Dispose();
    }

    private void Take()
    {
        int at = 0;
        while (at < _length)
        {
            SshStep step = connection.Read(_buffer.AsSpan(at.._length), Stopwatch.GetTimestamp());
            if (step.Event == SshEvent.NeedMore)
            {
                break;
            }
            Events.Add(step.Event);
            if (step.Event == SshEvent.HostVerified)
            {
                connection.Authenticate();
            }
            at += step.Consumed;
        }
        _buffer.AsSpan(at.._length).CopyTo(_buffer);
        _length -= at;
    }
}
