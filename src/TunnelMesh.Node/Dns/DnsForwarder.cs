using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Node.Dns;

/// <summary>
/// Asks other servers what is not the mesh's to know. Each query goes out from a socket and a port of its own under a random number, and only a sound answer to the
/// same question is passed on. A query that comes back to us while it is on its way (a server that asks whom the system asks) goes to the next server each time, and
/// after <see cref="MaxSame"/> times to nobody: nothing goes round for ever. Places are shared out, and what a device asks, or asks again, holds up no other. Thread-safe.
/// </summary>
public sealed class DnsForwarder : IAsyncDisposable
{
    /// <summary>Queries on their way, in all.</summary>
    public const int MaxOnTheWay = 512;

    /// <summary>Queries of devices of the mesh on their way: the rest is for this machine.</summary>
    public const int MaxOfMesh = 448;

    /// <summary>Queries on their way of one device of the mesh.</summary>
    public const int MaxOfDevice = 64;

    /// <summary>Queries on their way with the same question, of one asker.</summary>
    public const int MaxSame = 16;

    /// <summary>Largest answer over UDP: no more is asked for, and nothing larger is taken.</summary>
    public const int MaxUdpAnswer = DnsResponder.MaxUdp;

    /// <summary>Servers asked at most.</summary>
    public const int MaxServers = 8;

    private static readonly TimeSpan FirstTry = TimeSpan.FromSeconds(1), LaterTry = TimeSpan.FromSeconds(2), StreamTry = TimeSpan.FromSeconds(4);
    private const int Rounds = 2;
    private readonly ConcurrentDictionary<(ulong Question, DnsAsker Asker), int> _same = new();
    private readonly DnsPlaces _places = new();
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(16);
    private readonly Action<Socket>? _configureSocket;
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationToken _stopped;
    private IPEndPoint[] _servers = [];
    private int _preferred;
    private long _forwarded, _failures, _crowded;

    /// <summary>With nobody to ask yet.</summary>
    /// <param name="configureSocket">Called with each socket before it is connected, to mark it; null for nothing to do.</param>
    public DnsForwarder(Action<Socket>? configureSocket = null) => (_configureSocket, _stopped) = (configureSocket, _stop.Token);

    /// <summary>The servers, in order of preference; set as a whole. The caller leaves out what leads back to this resolver.</summary>
    public IReadOnlyList<IPEndPoint> Servers
    {
        get => Volatile.Read(ref _servers);
        set
        {
            Volatile.Write(ref _servers, [.. value.Distinct().Take(MaxServers)]);
            Volatile.Write(ref _preferred, 0);
        }
    }

    /// <summary>Other servers for the time being; null for none. Its sockets are not configured.</summary>
    public DnsDetour? Detour
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>Queries sent on.</summary>
    public long Forwarded => Interlocked.Read(ref _forwarded);

    /// <summary>Queries that no server answered.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Queries that were not sent on, as all places for them were taken, or the asker's share was; not among <see cref="Forwarded"/>.</summary>
    public long Crowded => Interlocked.Read(ref _crowded);

    /// <summary>Asks.</summary>
    /// <param name="message">A sound query with a question.</param>
    /// <param name="asker">Whose question it is.</param>
    /// <param name="stream">True to ask over TCP.</param>
    /// <param name="answer">Room for the answer: <see cref="MaxUdpAnswer"/>, or 65535 over TCP.</param>
    /// <returns>Bytes of the answer, under the asker's own number; a failure is an answer, too. 0 when the resolver stops.</returns>
    public async Task<int> AskAsync(ReadOnlyMemory<byte> message, DnsAsker asker, bool stream, Memory<byte> answer)
    {
        if (!_places.TryEnter(asker))
        {
            Interlocked.Increment(ref _crowded);
            return DnsResponder.Fail(message.Span, answer.Span[..512]);
        }
        Interlocked.Increment(ref _forwarded);
        byte[] query = ArrayPool<byte>.Shared.Rent(DnsRelayedQuery.MaxSize), received = ArrayPool<byte>.Shared.Rent(stream ? ushort.MaxValue : MaxUdpAnswer + 1);
        (ulong, DnsAsker)? counted = null;
        try
        {
            int size = Prepare(message.Span, query, out ulong question, out bool detour);
            counted = (question, asker);
            int same = _same.AddOrUpdate(counted.Value, 1, (_, count) => count + 1);
            int length = same > MaxSame ? 0 : await AskServersAsync(query.AsMemory(0, size), stream, received, same - 1, detour ? Detour?.Servers ?? [] : null).ConfigureAwait(false);
            if (_stopped.IsCancellationRequested)
            {
                return 0;
            }
            if (length == 0 || length > answer.Length)
            {
                Interlocked.Increment(ref _failures);
                return DnsResponder.Fail(message.Span, answer.Span[..512]);
            }
            received.AsSpan(0, length).CopyTo(answer.Span);
            message.Span[..2].CopyTo(answer.Span);
            return length;
        }
        finally
        {
            if (counted is { } entry)
            {
                Leave(entry);
            }
            ArrayPool<byte>.Shared.Return(query);
            ArrayPool<byte>.Shared.Return(received);
            _places.Leave(asker);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        while (_places.Taken > 0)
        {
            await Task.Delay(1, CancellationToken.None).ConfigureAwait(false);
        }
        _stop.Dispose();
    }

    private int Prepare(ReadOnlySpan<byte> message, Span<byte> buffer, out ulong question, out bool detour)
    {
        Span<byte> name = stackalloc byte[DnsName.MaxBytes];
        DnsQuery.Parse(message, name, out DnsQuery query);
        detour = Detour is { } other && !other.IsDirect(query.Name);
        // Canonical, since a server may write the name otherwise.
        question = SipHash.Compute(_key, query.Name) ^ ((ulong)query.Type << 32);
        return DnsRelayedQuery.Write(query, NextId(), MaxUdpAnswer, buffer);
    }

    private void Leave((ulong, DnsAsker) question)
    {
        while (_same.TryGetValue(question, out int count))
        {
            if (count > 1 ? _same.TryUpdate(question, count - 1, count) : _same.TryRemove(KeyValuePair.Create(question, count)))
            {
                return;
            }
        }
    }

    private static ushort NextId()
    {
        Span<byte> id = stackalloc byte[2];
        RandomNumberGenerator.Fill(id);
        return BinaryPrimitives.ReadUInt16BigEndian(id);
    }

    private async Task<int> AskServersAsync(Memory<byte> query, bool stream, byte[] buffer, int skip, IReadOnlyList<IPEndPoint>? detour)
    {
        IPEndPoint[] servers = detour is null ? Volatile.Read(ref _servers) : [.. detour];
        Action<Socket>? configure = detour is null ? _configureSocket : null;
        int first = (detour is null ? Volatile.Read(ref _preferred) : 0) + skip;
        for (int i = 0; i < servers.Length * (stream ? 1 : Rounds); i++)
        {
            int index = (first + i) % servers.Length;
            using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(_stopped);
            patience.CancelAfter(stream ? StreamTry : i < servers.Length ? FirstTry : LaterTry);
            BinaryPrimitives.WriteUInt16BigEndian(query.Span, NextId());
            try
            {
                int length = stream ? await AskStreamAsync(servers[index], configure, query, buffer, patience.Token).ConfigureAwait(false)
                    : await AskDatagramAsync(servers[index], configure, query, buffer, patience.Token).ConfigureAwait(false);
                // Another server may know what one that refuses or is out of order does not.
                if (length > 0 && ((buffer[3] & 0xF) is not ((int)DnsResponseCode.Refused or (int)DnsResponseCode.ServerFailure) || i == servers.Length - 1))
                {
                    if (skip == 0 && detour is null)
                    {
                        Volatile.Write(ref _preferred, index);
                    }
                    return length;
                }
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                if (_stopped.IsCancellationRequested)
                {
                    return 0;
                }
            }
        }
        return 0;
    }

    private static async Task<int> AskDatagramAsync(IPEndPoint server, Action<Socket>? configure, ReadOnlyMemory<byte> query, byte[] buffer, CancellationToken cancel)
    {
        // Connected: the system takes datagrams of this server only, and tells when its port is closed.
        using Socket socket = new(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        configure?.Invoke(socket);
        await socket.ConnectAsync(server, cancel).ConfigureAwait(false);
        await socket.SendAsync(query, SocketFlags.None, cancel).ConfigureAwait(false);
        while (true)
        {
            int length = await socket.ReceiveAsync(buffer, SocketFlags.None, cancel).ConfigureAwait(false);
            if (length <= MaxUdpAnswer && DnsAnswer.IsOf(buffer.AsSpan(0, length), query.Span))
            {
                return length;
            }
        }
    }

    private static async Task<int> AskStreamAsync(IPEndPoint server, Action<Socket>? configure, ReadOnlyMemory<byte> query, byte[] buffer, CancellationToken cancel)
    {
        using Socket socket = new(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        configure?.Invoke(socket);
        await socket.ConnectAsync(server, cancel).ConfigureAwait(false);
        byte[] framed = new byte[2 + query.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)query.Length);
        query.CopyTo(framed.AsMemory(2));
        await socket.SendAsync(framed, SocketFlags.None, cancel).ConfigureAwait(false);
        if (!await FillAsync(socket, framed.AsMemory(0, 2), cancel).ConfigureAwait(false))
        {
            return 0;
        }
        int length = BinaryPrimitives.ReadUInt16BigEndian(framed);
        return await FillAsync(socket, buffer.AsMemory(0, length), cancel).ConfigureAwait(false) && DnsAnswer.IsOf(buffer.AsSpan(0, length), query.Span) ? length : 0;
    }

    private static async Task<bool> FillAsync(Socket socket, Memory<byte> buffer, CancellationToken cancel)
    {
        while (!buffer.IsEmpty)
        {
            int read = await socket.ReceiveAsync(buffer, SocketFlags.None, cancel).ConfigureAwait(false);
            if (read == 0)
            {
                return false;
            }
            buffer = buffer[read..];
        }
        return true;
    }
}
