using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using TunnelMesh.Protocol.Stun;

namespace TunnelMesh.Coordinator.Stun;

/// <summary>One address of the responder: reads, asks for the answer, sends it. Allocates nothing per datagram.</summary>
internal sealed class StunSocket : IAsyncDisposable
{
    // Longer requests carry nothing that is understood; a datagram that is cut does not parse.
    private const int BufferSize = 1500;
    private static readonly TimeSpan ErrorPause = TimeSpan.FromMilliseconds(20);
    private readonly Socket _socket;
    private readonly StunAnswer _answer;
    private readonly Action _unsent;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    /// <summary>Writes the answer to a datagram; returns its bytes, 0 for none.</summary>
    internal delegate int StunAnswer(ReadOnlySpan<byte> datagram, in StunAddress source, Span<byte> answer);

    /// <exception cref="SocketException">It cannot be bound.</exception>
    internal StunSocket(IPEndPoint endpoint, Action<Socket>? configure, StunAnswer answer, Action unsent)
    {
        _socket = Bind(endpoint, configure);
        _answer = answer;
        _unsent = unsent;
        _running = Task.Run(RunAsync);
    }

    /// <summary>Where it listens.</summary>
    internal IPEndPoint Local => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>A bound socket of one family.</summary>
    /// <exception cref="SocketException">It cannot be bound.</exception>
    internal static Socket Bind(IPEndPoint endpoint, Action<Socket>? configure)
    {
        Socket socket = new(endpoint.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            if (endpoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                socket.DualMode = false;
            }
            configure?.Invoke(socket);
            socket.Bind(endpoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _socket.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        byte[] datagram = GC.AllocateArray<byte>(BufferSize, pinned: true), answer = GC.AllocateArray<byte>(StunBinding.MaxAnswerSize, pinned: true);
        SocketAddress source = new(_socket.AddressFamily);
        while (true)
        {
            try
            {
                source.Size = SocketAddress.GetMaximumAddressSize(_socket.AddressFamily);
                int received = await _socket.ReceiveFromAsync(datagram, SocketFlags.None, source, _stop.Token).ConfigureAwait(false);
                if (TryRead(source, out StunAddress from) && _answer(datagram.AsSpan(0, received), from, answer) is > 0 and int length)
                {
                    Send(answer.AsSpan(0, length), source);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (SocketException)
            {
                // An interface that is going away, or memory that is short: neither is over at once, and asking again would spin.
                await Task.Delay(ErrorPause, CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    private void Send(ReadOnlySpan<byte> answer, SocketAddress target)
    {
        try
        {
            _socket.SendTo(answer, SocketFlags.None, target);
        }
        catch (SocketException)
        {
            _unsent();
        }
    }

    // sockaddr_in and sockaddr_in6: family 2, port 2, then the address, of IPv6 behind 4 bytes of flow.
    private static bool TryRead(SocketAddress address, out StunAddress source)
    {
        ReadOnlySpan<byte> bytes = address.Buffer.Span[..address.Size];
        source = default;
        if (bytes.Length < 8)
        {
            return false;
        }
        ushort port = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        switch (address.Family)
        {
            case AddressFamily.InterNetwork:
                source = StunAddress.FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]), port);
                return port != 0;
            case AddressFamily.InterNetworkV6 when bytes.Length >= 24:
                source = StunAddress.FromIPv6(bytes[8..], port);
                return port != 0;
            default:
                return false;
        }
    }
}
