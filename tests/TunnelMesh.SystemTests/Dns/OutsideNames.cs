using System.Net;
using System.Net.Sockets;
using TunnelMesh.Protocol.Dns;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Dns;

/// <summary>Somebody else's name server on a machine's port 53: a few names with an IPv4 address each, and no others. Ends with the test.</summary>
internal sealed class OutsideNames : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly IReadOnlyDictionary<string, string> _names;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;
    private int _asked;

    public OutsideNames(NetworkNamespace machine, IReadOnlyDictionary<string, string> names)
    {
        _names = names;
        _socket = NamespaceSocket.Bind(machine, IPAddress.Parse(machine.Address), 53);
        _serving = Task.Run(ServeAsync);
    }

    /// <summary>Queries so far.</summary>
    public int Asked => Volatile.Read(ref _asked);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _serving;
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task ServeAsync()
    {
        byte[] buffer = new byte[4096];
        while (true)
        {
            try
            {
                SocketReceiveFromResult got = await _socket.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                Interlocked.Increment(ref _asked);
                await _socket.SendToAsync(Answer(buffer.AsSpan(0, got.ReceivedBytes)), got.RemoteEndPoint, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // The asker is gone.
            }
        }
    }

    private byte[] Answer(ReadOnlySpan<byte> query)
    {
        Span<byte> wire = stackalloc byte[DnsName.MaxBytes], wanted = stackalloc byte[DnsName.MaxBytes];
        int end = DnsQuery.HeaderSize;
        if (!DnsName.TryRead(query, ref end, wire, out int length))
        {
            return [];
        }

        string? address = null;
        bool known = false;
        foreach ((string name, string found) in _names)
        {
            if (DnsName.TryWrite(name, wanted, out int size) && wire[..length].SequenceEqual(wanted[..size]))
            {
                known = true;
                address = query[end + 1] == DnsType.A ? found : null;
            }
        }

        List<byte> answer = [.. query[..(end + 4)]];
        (answer[2], answer[3], answer[6], answer[7], answer[10], answer[11]) = (0x81, known ? (byte)0x80 : (byte)0x83, 0, address is null ? (byte)0 : (byte)1, 0, 0);
        if (address is not null)
        {
            answer.AddRange([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, .. IPAddress.Parse(address).GetAddressBytes()]);
        }

        return [.. answer];
    }
}
