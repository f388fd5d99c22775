using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Protocol.Stun;

namespace TunnelMesh.Coordinator.Stun;

/// <summary>
/// Tells whoever asks which address they come from (RFC 8489 binding), over both families. Stateless, rate-limited per address, and silent to everything else.
/// A wildcard becomes one socket for each address of the machine: an answer must leave from the address that was asked, or NATs in between drop it. Thread-safe.
/// </summary>
public sealed class StunResponder : IAsyncDisposable
{
    /// <summary>Addresses of this machine that are served at most.</summary>
    public const int MaxAddresses = 64;

    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly Func<IReadOnlyList<IPAddress>>? _addresses;
    private readonly Action<Socket>? _configure;
    private readonly StunRateLimiter _limiter;
    private readonly Lock _limit = new();
    private readonly SemaphoreSlim _change = new(1, 1);
    private readonly Dictionary<IPAddress, StunSocket> _sockets = [];
    private long _answered, _limited, _ignored, _unsent;
    private bool _disposed;

    private StunResponder(int port, Func<IReadOnlyList<IPAddress>>? addresses, ILogger log, TimeProvider time, Action<Socket>? configure)
    {
        Port = port;
        _addresses = addresses;
        _configure = configure;
        _log = log;
        _time = time;
        _limiter = new StunRateLimiter(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)), time.TimestampFrequency);
    }

    /// <summary>The UDP port in use.</summary>
    public int Port { get; }

    /// <summary>What was done so far.</summary>
    public StunCounters Counters => new(Interlocked.Read(ref _answered), Interlocked.Read(ref _limited), Interlocked.Read(ref _ignored), Interlocked.Read(ref _unsent));

    /// <summary>Starts to listen.</summary>
    /// <param name="listen">An address of this machine, or a wildcard for all; port 0 takes a free one.</param>
    /// <param name="addresses">Lists the machine's addresses, for a wildcard; loopback is served in any case. Throws an <see cref="IOException"/> when it cannot.</param>
    /// <param name="log">Where it logs.</param>
    /// <param name="time">Clock.</param>
    /// <param name="configure">Called with each socket before it is bound, or null: a place to mark it.</param>
    /// <exception cref="StunListenException">The endpoint is in use, or not of this machine.</exception>
    public static async Task<StunResponder> StartAsync(IPEndPoint listen, Func<IReadOnlyList<IPAddress>> addresses, ILogger log, TimeProvider time, Action<Socket>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(listen);
        ArgumentNullException.ThrowIfNull(time);
        bool wildcard = listen.Address.Equals(IPAddress.Any) || listen.Address.Equals(IPAddress.IPv6Any);
        int port = TryPort(listen);
        StunResponder responder = new(port, wildcard ? () => Served(addresses(), listen.AddressFamily) : null, log, time, configure);
        if (wildcard)
        {
            await responder.RefreshAsync().ConfigureAwait(false);
        }
        else
        {
            responder.Open(listen.Address, throws: true);
        }
        CoordinatorLog.StunListening(log, new IPEndPoint(listen.Address, port));
        return responder;
    }

    /// <summary>Looks which addresses this machine has now; to be called when they changed. Does nothing when one address was asked for.</summary>
    public async Task RefreshAsync()
    {
        if (_addresses is null)
        {
            return;
        }
        await _change.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_disposed)
            {
                return;
            }
            IReadOnlyList<IPAddress> wanted = _addresses();
            foreach (IPAddress gone in _sockets.Keys.Except(wanted).ToArray())
            {
                await _sockets[gone].DisposeAsync().ConfigureAwait(false);
                _sockets.Remove(gone);
            }
            foreach (IPAddress fresh in wanted.Except(_sockets.Keys).Take(MaxAddresses - _sockets.Count).ToArray())
            {
                Open(fresh, throws: false);
            }
        }
        catch (IOException e)
        {
            CoordinatorLog.StunAddressesUnknown(_log, e);
        }
        finally
        {
            _change.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _change.WaitAsync().ConfigureAwait(false);
        try
        {
            _disposed = true;
            foreach (StunSocket socket in _sockets.Values)
            {
                await socket.DisposeAsync().ConfigureAwait(false);
            }
            _sockets.Clear();
        }
        finally
        {
            _change.Release();
        }
    }

    // Somebody else's socket on one of the addresses would otherwise be noticed one by one, or not at all.
    private static int TryPort(IPEndPoint listen)
    {
        try
        {
            using Socket socket = new(listen.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            if (listen.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }
            socket.Bind(listen);
            return ((IPEndPoint)socket.LocalEndPoint!).Port;
        }
        catch (SocketException e)
        {
            throw new StunListenException(listen, e.SocketErrorCode, e);
        }
    }

    private static IReadOnlyList<IPAddress> Served(IReadOnlyList<IPAddress> own, AddressFamily family) =>
        [.. own.Prepend(IPAddress.IPv6Loopback).Prepend(IPAddress.Loopback).Where(a => family == AddressFamily.InterNetworkV6 || a.AddressFamily == family).Distinct().Take(MaxAddresses)];

    private void Open(IPAddress address, bool throws)
    {
        IPEndPoint endpoint = new(address, Port);
        try
        {
            _sockets.Add(address, new StunSocket(endpoint, _configure, Answer, () => Interlocked.Increment(ref _unsent)));
        }
        catch (SocketException e)
        {
            if (throws)
            {
                throw new StunListenException(endpoint, e.SocketErrorCode, e);
            }
            // An address may be gone again, or not be usable yet; the next change tries anew.
            CoordinatorLog.StunAddressLeftOut(_log, endpoint, e.SocketErrorCode);
        }
    }

    private int Answer(ReadOnlySpan<byte> datagram, in StunAddress source, Span<byte> answer)
    {
        int length = StunBinding.Answer(datagram, source, answer);
        if (length == 0)
        {
            Interlocked.Increment(ref _ignored);
            return 0;
        }
        bool taken;
        lock (_limit)
        {
            taken = _limiter.TryTake(source, _time.GetTimestamp());
        }
        Interlocked.Increment(ref taken ? ref _answered : ref _limited);
        return taken ? length : 0;
    }
}
