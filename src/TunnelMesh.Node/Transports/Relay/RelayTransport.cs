using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.Paths;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;
using TunnelMesh.Protocol.Relay;

namespace TunnelMesh.Node.Transports.Relay;

/// <summary>
/// The device's stream to a coordinator's relay, kept up for as long as <see cref="RunAsync"/> runs: dial with the client certificate, accept only a coordinator
/// of the pinned mesh, prove again and again that the stream carries, come back after a loss. Members other than RunAsync may be called from any thread.
/// </summary>
/// <param name="options">What it needs.</param>
/// <param name="clock">Wall clock and timers.</param>
public sealed class RelayTransport(RelayTransportOptions options, TimeProvider clock) : IDatagramCarrier
{
    // A coordinator that returns is found within 2 s: the longest pause and a handshake.
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200), LongestPause = TimeSpan.FromSeconds(1.5);
    private const int NoRelayRetrySeconds = 60, MaxRetrySeconds = 300;
    private readonly CoordinatorChoice _choice = new(options.Request.Server, CoordinatorChoice.Knock(options.Request.Dialling), clock);
    private readonly RelayDevices _devices = new(options.Sink, options.NotHereTime, clock);
    private readonly RelayTally _tally = new();
    private readonly Lock _lock = new();
    private CancellationTokenSource? _pausing;
    private volatile RelayLink? _link;

    /// <inheritdoc/>
    public PathTransport Transport => PathTransport.Relay;

    /// <summary>State now.</summary>
    public RelayState State { get; private set; } = new(false, options.Request.Server.ToString(), clock.GetUtcNow(), null);

    /// <summary>The numbers now.</summary>
    public RelayTransportCounters Counters => _tally.Read();

    /// <summary>The last round trip to the coordinator on the stream; null while it is not open.</summary>
    public TimeSpan? RoundTrip => _link?.RoundTrip;

    /// <summary>For how long nothing has come over the stream, when it was asked for a sign of life and should have answered by now; null else.</summary>
    public TimeSpan? Silence => _link?.Silence;

    /// <inheritdoc/>
    /// <remarks>From now on the sink is told when the way to this device opens or closes, which may come from several threads: what counts is the answer here.</remarks>
    public bool IsOpen(UInt128 device)
    {
        _devices.Want(device);
        return _link is not null && !_devices.IsAway(device);
    }

    /// <summary>The stream is kept in any case: this only has the sink told, as <see cref="IsOpen"/> does.</summary>
    public void Prepare(UInt128 device) => _devices.Want(device);

    /// <inheritdoc/>
    public int Send(UInt128 device, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (segmentSize <= 0)
        {
            return datagrams.IsEmpty ? 0 : 1;
        }
        if (_link is not { } link || _devices.IsAway(device) || !RelayFrame.AreSound(datagrams.Length, segmentSize))
        {
            return RelayFrame.Count(datagrams.Length, segmentSize);
        }
        link.Send(device, datagrams, segmentSize);
        return 0;
    }

    /// <summary>
    /// The network or the certificate has changed: dials at once when it pauses; else asks for a sign of life, and gives the stream up when there is none within 2 s, and
    /// at once when the address it leaves from is not this machine's any more.
    /// </summary>
    /// <param name="isOwn">Whether an address is this machine's; null when that did not change.</param>
    public void Refresh(Func<IPAddress, bool>? isOwn = null)
    {
        lock (_lock)
        {
            _ = _pausing?.CancelAsync();
        }
        if (isOwn is not null)
        {
            _link?.AbortUnless(isOwn);
        }
        _link?.Doubt();
    }

    /// <summary>Runs until cancelled. Nothing that happens to the stream ends it: the control stream is where a device learns that it is no member any more.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        TimeSpan pause = FirstPause;
        while (!cancel.IsCancellationRequested)
        {
            CoordinatorAddress server = _choice.Next();
            ControlException problem;
            try
            {
                await TalkAsync(server, () => pause = FirstPause, cancel).ConfigureAwait(false);
                break;
            }
            catch (OperationCanceledException) when (cancel.IsCancellationRequested)
            {
                break;
            }
            catch (ControlException e)
            {
                problem = e.Code == ControlFailure.NotACoordinator ? NoRelay(server, e) : e;
            }
#pragma warning disable CA1031 // Whatever a coordinator sent or the system did: the stream is made anew.
            catch (Exception e)
#pragma warning restore CA1031
            {
                problem = new ControlException(ControlErrorCodes.Internal, $"The relay stream to the coordinator {server} failed: {e.Message} ({e.GetType().Name})", 0, e);
            }
            Become(false, server, problem);
            TimeSpan wait = problem.RetryAfterSeconds > 0 ? TimeSpan.FromSeconds(Math.Min(problem.RetryAfterSeconds, MaxRetrySeconds)) : pause;
            pause = pause * 2 > LongestPause ? LongestPause : pause * 2;
            // Jitter keeps a thousand peers from returning in the same instant.
            await PauseAsync(wait * (0.5 + (RandomNumberGenerator.GetInt32(500) / 1000.0)), server, cancel).ConfigureAwait(false);
        }
        Become(false, options.Request.Server, null);
    }

    private async Task TalkAsync(CoordinatorAddress server, Action stands, CancellationToken cancel)
    {
        if (options.Certificate() is not { } certificate || certificate.NotAfter <= clock.GetUtcNow())
        {
            throw new ControlException(ControlErrorCodes.ProofRefused, "The relay waits until this device's certificate is renewed.");
        }
        using X509Certificate2 root = X509CertificateLoader.LoadCertificate(options.MeshRoot);
        CoordinatorSocket connection = await CoordinatorSocket.ConnectAsync(server, ControlProtocol.RelayPath, options.Request.Dialling, keepAlive: null,
            (leaf, others) => MeshCertificateValidator.Validate(leaf, others, root, MeshRoles.CoordinatorOid, clock.GetUtcNow(), out string reason) ? null : reason,
            certificate, cancel).ConfigureAwait(false);
        RelayLink made = new(connection, server.ToString(), options, _devices, _tally, Opened, clock);
        try
        {
            await made.RunAsync(cancel).ConfigureAwait(false);
        }
        finally
        {
            if (_link is not null)
            {
                _link = null;
                _devices.TellAll(open: false);
            }
        }

        void Opened(RelayLink link)
        {
            stands();
            _choice.Worked(server);
            Interlocked.Increment(ref _tally.Opened);
            _link = link;
            Become(true, server, null);
            _devices.TellAll(open: true);
        }
    }

    private async Task PauseAsync(TimeSpan wait, CoordinatorAddress server, CancellationToken cancel)
    {
        using CancellationTokenSource pausing = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        lock (_lock)
        {
            _pausing = pausing;
        }
        try
        {
            await _choice.PauseAsync(wait, server, options.Addresses(), pausing.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Stopped, or there is a reason to try at once.
        }
        finally
        {
            lock (_lock)
            {
                _pausing = null;
            }
        }
    }

    private static ControlException NoRelay(CoordinatorAddress server, ControlException e) => new(ControlFailure.NotACoordinator,
        $"The coordinator {server} has no relay: coordinator.relay.enabled is false there, or it runs an older version.", NoRelayRetrySeconds, e);

    private void Become(bool open, CoordinatorAddress server, ControlException? problem)
    {
        bool same = State.IsOpen == open && (!open || State.Server == server.ToString());
        State = new RelayState(open, server.ToString(), same ? State.Since : clock.GetUtcNow(), problem?.Message, problem?.Code);
        options.OnState?.Invoke(State);
    }
}
