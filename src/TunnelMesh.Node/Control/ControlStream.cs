using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Node.Control;

/// <summary>
/// The device's stream to a coordinator, kept up for as long as <see cref="RunAsync"/> runs: dial with the client certificate,
/// accept only a coordinator of the pinned mesh, follow the numbered map, renew the certificate, come back after a loss.
/// Members other than RunAsync may be called from any thread.
/// </summary>
/// <param name="options">What it needs.</param>
/// <param name="clock">Wall clock and timers.</param>
public sealed class ControlStream(ControlStreamOptions options, TimeProvider clock)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200), LongestPause = TimeSpan.FromSeconds(2), DoubtTime = TimeSpan.FromSeconds(2);
    private readonly CoordinatorClient _client = new(clock);
    private readonly CoordinatorChoice _choice = new(options.Request.Server, CoordinatorChoice.Knock(options.Request.Dialling), clock);
    private readonly byte[] _rootHash = SHA256.HashData(options.MeshRoot);
    private readonly string _instance = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private volatile PeerCertificate? _certificate = options.Certificate;
    private volatile NetworkMap? _map = options.Map;
    private volatile ControlConnection? _connection;
    private readonly Lock _pauseGate = new();
    private CancellationTokenSource? _pausing;
    private TaskCompletionSource? _left;
    private volatile bool _renew;
    private long _dropped;

    /// <summary>State now.</summary>
    public ControlState State { get; private set; } = new(ControlPhase.Connecting, options.Request.Server.ToString(), clock.GetUtcNow(), null);

    /// <summary>For how long nothing has come over the stream, when that is longer than its heartbeat lets a living one be silent; null else, and while it is not connected.</summary>
    public TimeSpan? Silence => _connection?.Silence;

    /// <summary>The newest map, or null before the first.</summary>
    public NetworkMap? Map => _map;

    /// <summary>Map entries refused since the start.</summary>
    public long DroppedEntries => Interlocked.Read(ref _dropped);

    /// <summary>The certificate that is shown now, or null before the first; belongs to the stream.</summary>
    public PeerCertificate? Certificate => _certificate;

    /// <summary>Where coordinators may be dialled: as it was given to join, and as the map has it.</summary>
    public IEnumerable<CoordinatorAddress> Addresses => [options.Request.Server, .. Listed(_map)];

    /// <summary>Runs until cancelled, left, or refused for good.</summary>
    /// <exception cref="ControlException">Refused for good (<see cref="ControlException.IsFinal"/>): revoked, or not known any more.</exception>
    public async Task RunAsync(CancellationToken cancel)
    {
        TimeSpan pause = FirstPause;
        while (!cancel.IsCancellationRequested)
        {
            CoordinatorAddress server = _choice.Next();
            ControlException problem;
            try
            {
                await RenewIfDueAsync(server, cancel).ConfigureAwait(false);
                await TalkAsync(server, () => Stands(server), cancel).ConfigureAwait(false);
                break;
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                break;
            }
            catch (ControlException e)
            {
                problem = e;
            }
#pragma warning disable CA1031 // Whatever a coordinator sent or the system did: the tunnels must not end with the stream.
            catch (Exception e)
#pragma warning restore CA1031
            {
                problem = new ControlException(ControlErrorCodes.BadMessage, $"The stream to the coordinator {server} failed: {e.Message} ({e.GetType().Name})", 0, e);
            }
            if (problem.IsFinal)
            {
                Become(ControlPhase.Ended, server, problem);
                throw problem;
            }
            // The renewal tells whether the device was revoked or only its certificate has ended.
            _renew |= problem.Code == ControlErrorCodes.ProofRefused;
            Become(ControlPhase.Disconnected, server, problem);
            TimeSpan wait = problem.RetryAfterSeconds > 0 ? TimeSpan.FromSeconds(Math.Min(problem.RetryAfterSeconds, 300)) : pause;
            // Jitter keeps a thousand peers from returning in the same instant.
            wait *= 0.5 + (RandomNumberGenerator.GetInt32(500) / 1000.0);
            pause = pause * 2 > LongestPause ? LongestPause : pause * 2;
            try
            {
                await PauseAsync(wait, server, cancel).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }
        Become(ControlPhase.Ended, options.Request.Server, null);

        void Stands(CoordinatorAddress server)
        {
            pause = FirstPause;
            _choice.Worked(server);
        }
    }

    /// <summary>Tells the coordinator of changed endpoints; without a connection nothing is sent, since the next hello carries them.</summary>
    public Task PushEndpointsAsync(CancellationToken cancel) => TrySendAsync(options.Endpoints, cancel);

    /// <summary>Asks the coordinator to tell another device where this one is; without a connection nothing is sent.</summary>
    /// <param name="deviceId">Which device.</param>
    /// <param name="cancel">Gives up.</param>
    public Task AskToMeetAsync(string deviceId, CancellationToken cancel)
    {
        return TrySendAsync(Make, cancel);
        Meeting Make()
        {
            EndpointsUpdate here = options.Endpoints();
            (string? nat, string? mapped) = options.Nat?.Invoke() ?? default;
            return new Meeting { Device = deviceId, Endpoints = here.Endpoints, UdpPort = here.UdpPort, Nat = nat, Mapped = mapped };
        }
    }

    /// <summary>
    /// The network of this machine has changed: a connection from an address it has no more ends at once, and a pause before dialling does; another one is
    /// asked for a sign of life, and ends when there is none within 2 s.
    /// </summary>
    /// <param name="isOwn">Whether an address is this machine's.</param>
    public void Refresh(Func<IPAddress, bool> isOwn)
    {
        lock (_pauseGate)
        {
            _ = _pausing?.CancelAsync();
        }

        if (_connection is { } connection)
        {
            connection.AbortUnless(isOwn);
            _ = connection.DoubtAsync(DoubtTime, clock);
        }
    }

    /// <summary>Leaves the mesh for good; <see cref="RunAsync"/> ends once the coordinator has agreed.</summary>
    /// <exception cref="ControlException">There is no connection: the coordinator must be reachable to leave.</exception>
    public async Task LeaveAsync(CancellationToken cancel)
    {
        ControlConnection connection = _connection ?? throw new ControlException(ControlFailure.Unreachable,
            "The coordinator is not connected, so it cannot be told that this device leaves. Try again when it is.");
        // Whoever else asks meanwhile waits for the same answer.
        TaskCompletionSource mine = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource left = Interlocked.CompareExchange(ref _left, mine, null) ?? mine;
        await connection.SendAsync(new LeaveRequest(), cancel).ConfigureAwait(false);
        await left.Task.WaitAsync(cancel).ConfigureAwait(false);
    }

    // Ends early when the network has changed.
    private async Task PauseAsync(TimeSpan wait, CoordinatorAddress server, CancellationToken cancel)
    {
        using CancellationTokenSource pausing = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        lock (_pauseGate)
        {
            _pausing = pausing;
        }

        try
        {
            await _choice.PauseAsync(wait, server, Addresses, pausing.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            // The network has changed.
        }
        finally
        {
            lock (_pauseGate)
            {
                _pausing = null;
            }
        }
    }

    private static async Task AskAsync(ControlConnection connection, CancellationToken cancel)
    {
        try
        {
            await connection.AskAsync(cancel).ConfigureAwait(false);
        }
        catch (ControlException)
        {
            // The reader finds out why: a refusal may have come before.
        }
    }

    private async Task TrySendAsync(Func<object> make, CancellationToken cancel)
    {
        if (_connection is { } connection)
        {
            try
            {
                await connection.SendAsync(make, cancel).ConfigureAwait(false);
            }
            catch (ControlException)
            {
                // The reader notices the loss and dials again.
            }
        }
    }

    private static IEnumerable<CoordinatorAddress> Listed(NetworkMap? map)
    {
        foreach (string url in map?.Coordinators.SelectMany(c => c.Urls) ?? [])
        {
            if (CoordinatorAddress.TryParse(url, out CoordinatorAddress? other))
            {
                yield return other;
            }
        }
    }

    private async Task RenewIfDueAsync(CoordinatorAddress server, CancellationToken cancel)
    {
        DateTimeOffset now = clock.GetUtcNow();
        if (_certificate is { } held && !_renew && now < held.RenewAt)
        {
            return;
        }
        try
        {
            JoinResult result = await _client.RenewAsync(options.Request with { Server = server }, options.MeshRoot, cancel).ConfigureAwait(false);
            // The old one may still serve a live connection; its finaliser lets go of it.
            _certificate = result.Certificate;
            _renew = false;
            options.OnRenewed(result);
        }
        catch (ControlException e) when (!e.IsFinal && !_renew && _certificate is { } usable && now < usable.NotAfter)
        {
            // A third of its life is left: use it now, renew at the next chance.
        }
    }

    private async Task TalkAsync(CoordinatorAddress server, Action connected, CancellationToken cancel)
    {
        using X509Certificate2 root = X509CertificateLoader.LoadCertificate(options.MeshRoot);
        await using ControlConnection connection = await ControlConnection.ConnectAsync(server, ControlProtocol.ControlPath, options.Request.Dialling,
            (leaf, others) => MeshCertificateValidator.Validate(leaf, others, root, MeshRoles.CoordinatorOid, clock.GetUtcNow(), out string reason) ? null : reason,
            _certificate, ControlProtocol.MaxCoordinatorMessageBytes, cancel).ConfigureAwait(false);
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Task renewing = Task.CompletedTask;
        try
        {
            EndpointsUpdate endpoints = options.Endpoints();
            await connection.SendAsync(new ControlHello
            {
                Version = ControlProtocol.Version,
                OldestVersion = ControlProtocol.OldestVersion,
                MapEpoch = _map?.Epoch ?? "",
                MapNumber = _map?.Number ?? 0,
                UdpPort = endpoints.UdpPort,
                SshPort = endpoints.SshPort,
                Endpoints = endpoints.Endpoints,
                Transports = options.Transports,
                Aliases = options.Aliases,
                AllowsExit = options.AllowsExit,
                ProgramVersion = options.Request.ProgramVersion,
                Instance = _instance,
            }, cancel).ConfigureAwait(false);
            renewing = KeepRenewingAsync(server, over.Token);
            // What changes from here on is in no hello.
            _connection = connection;
            // Only an answer tells that the coordinator took the hello, and one with nothing new to say would stay silent.
            await AskAsync(connection, cancel).ConfigureAwait(false);
            bool first = true;
            while (true)
            {
                object? message = await connection.ReceiveAsync(cancel).ConfigureAwait(false);
                if (first)
                {
                    first = false;
                    Become(ControlPhase.Connected, server, null);
                    // The pause starts small again.
                    connected();
                }
                switch (message)
                {
                    case MapFull full:
                        if (!full.Mesh.IsSameMesh(options.Mesh))
                        {
                            throw new ControlException(ControlErrorCodes.BadMessage, $"The coordinator {server} sent a network map of another mesh or of other address ranges, which was not used. See its log and its state.");
                        }
                        Take(NetworkMap.FromFull(full, _rootHash, _map, options.Pins, clock.GetUtcNow()));
                        break;
                    case MapDelta delta when _map is { } map:
                        MapChange change = map.Apply(delta, options.Pins, clock.GetUtcNow());
                        if (change.Gap)
                        {
                            await connection.SendAsync(new MapRequest { Epoch = map.Epoch, Number = map.Number }, cancel).ConfigureAwait(false);
                        }
                        else
                        {
                            Take(change);
                        }
                        break;
                    case MapDelta:
                        await connection.SendAsync(new MapRequest { Epoch = "", Number = 0 }, cancel).ConfigureAwait(false);
                        break;
                    case Meeting meeting:
                        options.OnMeeting?.Invoke(meeting);
                        break;
                    case LeaveAccepted:
                        Volatile.Read(ref _left)?.TrySetResult();
                        return;
                    default:
                        break;
                }
            }
        }
        catch (Exception e)
        {
            Interlocked.Exchange(ref _left, null)?.TrySetException(e);
            throw;
        }
        finally
        {
            _connection = null;
            await over.CancelAsync().ConfigureAwait(false);
            await renewing.ConfigureAwait(false);
            await connection.CloseAsync().ConfigureAwait(false);
        }
    }

    // Renews while the stream lives. A failure is tried again after a minute, also once the certificate has ended: the stream itself lives on without it, but the relay cannot be dialled anew.
    private async Task KeepRenewingAsync(CoordinatorAddress server, CancellationToken cancel)
    {
        try
        {
            while (_certificate is { } held)
            {
                TimeSpan wait = held.RenewAt - clock.GetUtcNow();
                await Task.Delay(wait > TimeSpan.FromMinutes(1) ? (wait < TimeSpan.FromDays(1) ? wait : TimeSpan.FromDays(1)) : TimeSpan.FromMinutes(1), clock, cancel).ConfigureAwait(false);
                try
                {
                    await RenewIfDueAsync(server, cancel).ConfigureAwait(false);
                }
#pragma warning disable CA1031 // Whatever it was, the next minute may be better; what ends the stream is noticed by its reader.
                catch (Exception e) when (e is not OperationCanceledException && e is not ControlException { IsFinal: true })
#pragma warning restore CA1031
                {
                    // Nobody else renews while the stream lives.
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ControlException)
        {
            // Ended with the stream, or refused for good: dialling again tells which.
            _renew |= e is ControlException;
        }
    }

    private void Take(MapChange change)
    {
        NetworkMap? before = _map;
        _map = change.Map;
        try
        {
            options.OnMap(change);
        }
        catch
        {
            // Asked for again by the next stream; otherwise nobody would ever apply what it brought.
            _map = before;
            throw;
        }
        Interlocked.Add(ref _dropped, change.Dropped);
    }

    private void Become(ControlPhase phase, CoordinatorAddress server, ControlException? problem)
    {
        // One outage, whichever coordinator is tried meanwhile.
        bool same = State.Phase == phase && (phase != ControlPhase.Connected || State.Server == server.ToString());
        State = new ControlState(phase, server.ToString(), same ? State.Since : clock.GetUtcNow(), problem?.Message, problem?.Code);
        options.OnState(State);
    }
}
