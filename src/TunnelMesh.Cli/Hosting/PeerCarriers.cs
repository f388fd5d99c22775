using System.Globalization;
using System.Net;
using System.Net.Sockets;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Transports;
using TunnelMesh.Node.Transports.Relay;
using TunnelMesh.Node.Transports.Ssh;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Cli.Hosting;

/// <summary>The transports of a peer that carry datagrams over streams. The SSH port is taken before the peer joins, as the UDP port is; what comes in before there is a data plane is dropped.</summary>
internal sealed class PeerCarriers : ICarrierSink, IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TimeProvider _time;
    private readonly SshTransport? _ssh;
    private RelayTransport? _relay;
    private Task _relaying = Task.CompletedTask;
    private volatile DataPlane? _plane;

    /// <summary>Listens on the SSH port, where the configuration asks for it.</summary>
    /// <param name="options">The start's options.</param>
    /// <param name="identity">Host key and user key.</param>
    /// <param name="deviceId">Of this device.</param>
    /// <exception cref="HostException">The port is in use.</exception>
    public PeerCarriers(PeerHostOptions options, Protocol.Identity.IdentityKey identity, string deviceId)
    {
        _time = options.Time;
        if (!PathNames.Parse(options.Settings.Transports).Contains(PathTransport.Ssh))
        {
            return;
        }

        try
        {
            _ssh = new SshTransport(new SshTransportOptions
            {
                Identity = identity,
                DeviceId = UInt128.Parse(deviceId, NumberStyles.HexNumber, CultureInfo.InvariantCulture),
                Port = options.Settings.SshPort,
                ConfigureSocket = options.MarkSocket,
                Time = options.Time,
            }, this);
        }
        catch (TcpPortException e) when (e.Error == SocketError.AddressAlreadyInUse)
        {
            throw new HostException(ExitCode.InUse, $"{e.Message} The setting is ssh_port; without ssh in transports no port is needed.", e);
        }
    }

    /// <summary>The TCP port of the SSH transport; 0 for none.</summary>
    public int SshPort => _ssh?.Port ?? 0;

    /// <summary>Why a device was not reached over SSH the last time; null when it was, or was not tried.</summary>
    public string? SshFailure(string deviceId) => UInt128.TryParse(deviceId, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out UInt128 device) ? _ssh?.LastFailure(device) : null;

    /// <summary>Gives the carriers to the data plane, before that has any peer, and opens the stream to the relay.</summary>
    /// <param name="options">The start's options.</param>
    /// <param name="step">The membership.</param>
    /// <param name="stream">Has the certificate and the coordinators' addresses.</param>
    /// <param name="plane">Takes what they bring; its owner's.</param>
    public void Attach(PeerHostOptions options, MembershipStep step, ControlStream stream, DataPlane plane)
    {
        _plane = plane;
        if (_ssh is not null)
        {
            plane.Add(_ssh);
        }

        if (PathNames.Parse(options.Settings.Transports).Contains(PathTransport.Relay))
        {
            RelayTransport relay = new(new RelayTransportOptions
            {
                Request = step.Request,
                MeshRoot = step.Membership.MeshRoot,
                Certificate = () => stream.Certificate,
                Addresses = () => stream.Addresses,
                Sink = this,
            }, options.Time);
            plane.Add(relay);
            _relay = relay;
            _relaying = Task.Run(() => relay.RunAsync(_stop.Token), CancellationToken.None);
        }
    }

    /// <summary>The map or where this machine is reachable has changed.</summary>
    /// <param name="map">All devices.</param>
    /// <param name="ownId">This one.</param>
    /// <param name="peers">The same devices as the data plane knows them, with their addresses.</param>
    public void SetPeers(NetworkMap map, string ownId, IReadOnlyList<PeerSpec> peers)
    {
        if (_ssh is null)
        {
            return;
        }

        Dictionary<string, PeerSpec> specs = peers.ToDictionary(p => p.DeviceId);
        _ssh.SetPeers([.. map.Devices.Values.Where(d => d.Id != ownId && specs.ContainsKey(d.Id)).Select(d => new SshPeer(
            UInt128.Parse(d.Id, NumberStyles.HexNumber, CultureInfo.InvariantCulture),
            d.Wire.IdentityKey,
            d.Wire.SshPort == 0 ? [] : [.. specs[d.Id].Candidates.Select(c => c.Address).Distinct().Select(a => new IPEndPoint(a, d.Wire.SshPort))]))]);
    }

    /// <summary>The network of this machine has changed.</summary>
    /// <param name="isOwn">Whether an address is this machine's.</param>
    public void Refresh(Func<IPAddress, bool> isOwn)
    {
        _relay?.Refresh(isOwn);
        // What is no endpoint for others is not among a machine's addresses, and does not change.
        _ssh?.Refresh(a => IPAddress.IsLoopback(a) || a.IsIPv6LinkLocal || isOwn(a));
    }

    /// <summary>The stream to the relay as `status` shows it; null where there is none.</summary>
    public RelayReport? DescribeRelay()
    {
        if (_relay is not { } relay)
        {
            return null;
        }

        RelayState state = relay.State;
        RelayTransportCounters counters = relay.Counters;
        RelayReport report = new()
        {
            Open = state.IsOpen,
            Url = $"https://{state.Server}",
            Since = state.Since,
            Problem = state.Problem,
            RttMs = relay.RoundTrip?.TotalMilliseconds,
            TxDatagrams = counters.DatagramsSent,
            RxDatagrams = counters.DatagramsReceived,
            Dropped = counters.DroppedFull + counters.DroppedEnded + counters.DroppedBySink,
        };
        return StreamReports.Relay(report, relay.Silence, _time.GetUtcNow());
    }

    /// <inheritdoc/>
    int ICarrierSink.Deliver(in PathAddress source, ReadOnlySpan<byte> datagrams, int segmentSize) =>
        _plane is ICarrierSink plane ? plane.Deliver(source, datagrams, segmentSize) : (datagrams.Length + segmentSize - 1) / segmentSize;

    /// <inheritdoc/>
    void ICarrierSink.NoteOpen(in PathAddress path, bool open) => (_plane as ICarrierSink)?.NoteOpen(path, open);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _relaying.ConfigureAwait(false);
        if (_ssh is not null)
        {
            await _ssh.DisposeAsync().ConfigureAwait(false);
        }

        _stop.Dispose();
    }
}
