using System.Net;
using TunnelMesh.Node.Nat;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.DataPlane;

/// <content>What the engine learns of paths from outside, and what the paths ask of it.</content>
public sealed partial class TunnelEngine
{
    /// <summary>A device says over the coordinator that it is probing this one now. For the only engine of its device.</summary>
    /// <param name="deviceId">Which device.</param>
    /// <param name="endpoints">Where it is.</param>
    /// <param name="nat">How its NAT is; null when that was not told.</param>
    public void NoteMeeting(string deviceId, IReadOnlyList<IPEndPoint> endpoints, NatWord? nat = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        if (_members.Find(deviceId) is { } tunnel)
        {
            Handle(new LaneLetter(tunnel, null, default, LaneNews.Meet, [.. endpoints.Select(e => (PathAddress)UdpEndpoint.From(e))], Nat: nat));
        }
    }

    /// <summary>Pings a device inside its session, over the path in use. For the only engine of its device.</summary>
    /// <param name="deviceId">Which device.</param>
    /// <returns>What the echo told, once it comes; null when there is no such device.</returns>
    public Task<PingResult>? PingAsync(string deviceId)
    {
        if (_members.Find(deviceId) is not { } tunnel)
        {
            return null;
        }

        PendingPing ping = new();
        Handle(new LaneLetter(tunnel, null, default, LaneNews.Ping, Ping: ping));
        return ping.Answer;
    }

    /// <summary>A carrier has a way to a device, or none any more. For the only engine of its device.</summary>
    /// <param name="path">Which way.</param>
    /// <param name="open">True when it is open now.</param>
    public void NoteOpen(in PathAddress path, bool open)
    {
        if (_members.Find(path.Device) is { } tunnel)
        {
            Handle(new LaneLetter(tunnel, null, path, open ? LaneNews.Opened : LaneNews.Closed));
        }
    }

    /// <summary>The network of this machine changed. For the only engine of its device.</summary>
    public void NoteNetworkChanged() => Handle(new LaneLetter(null, null, default, LaneNews.NetworkChanged));

    private void Learn(PeerTunnel tunnel, in LaneLetter letter, long now)
    {
        if (letter.Nat is { } word)
        {
            tunnel.Birthday.NoteWord(word, now);
        }

        switch (letter.News)
        {
            case LaneNews.Resumed:
                tunnel.Paths.NoteResumed(now);
                break;
            case LaneNews.Opened or LaneNews.Closed:
                tunnel.Paths.NoteOpen(letter.Path, letter.News == LaneNews.Opened, now);
                break;
            case LaneNews.Meet when !tunnel.TryHeedMeeting(now):
                Attend(tunnel, now);
                return;
            case LaneNews.Meet:
                tunnel.TakeOffers(_output, now);
                tunnel.Paths.Meet(letter.Addresses, now);
                if (letter.Nat is { HidesPort: true } && _output.Nat == NatKind.Easy && !tunnel.Paths.IsDirect && !tunnel.Paths.IsLively(now, tunnel.LastDataAt))
                {
                    // It can only begin when it knows where this device is seen, and this one has no reason of its own to say so.
                    _output.Meet(tunnel.Spec.DeviceId);
                }

                if (!TunnelSender.CanSend(tunnel, now))
                {
                    // The peer wants a session: our initiation opens the way for its own.
                    _handshakes.Begin(tunnel, now, asked: true);
                }

                break;
            case LaneNews.Ping:
                tunnel.Ping?.Cancel();
                tunnel.Ping = letter.Ping;
                if (tunnel.TakeDoze())
                {
                    tunnel.Paths.NoteResumed(now);
                }

                // Its paths are looked after as if data had been sent.
                tunnel.NoteSentData(0, now);
                if (!TunnelSender.CanSend(tunnel, now))
                {
                    _handshakes.Begin(tunnel, now);
                }

                break;
            case LaneNews.NetworkChanged:
                tunnel.Paths.DoubtAll(now, tunnel.LastDataAt);
                tunnel.Birthday.NoteNetworkChanged(now);
                break;
            default:
                break;
        }

        Run(tunnel, now);
        NextDeadline = Math.Min(NextDeadline, tunnel.Deadline);
    }

    private void RunPaths(PeerTunnel tunnel, long now)
    {
        if (tunnel.HasNewOffers)
        {
            tunnel.TakeOffers(_output, now);
        }

        if (tunnel.TakeRestart(now))
        {
            tunnel.Session.NoteRestart(now);
            if (tunnel.Paths.IsLively(now, tunnel.LastDataAt))
            {
                _handshakes.Begin(tunnel, now);
            }
        }

        _prober.Tunnel = tunnel;
        PathActions actions = tunnel.Paths.Run(now, tunnel.LastSentAt, tunnel.LastDataAt, _prober);
        _birthday.Run(tunnel, now);
        if (actions.HasFlag(PathActions.Meet))
        {
            _output.Meet(tunnel.Spec.DeviceId);
        }

        if (actions.HasFlag(PathActions.OpenStream))
        {
            tunnel.OpenStreams(_output, now);
        }

        if (actions.HasFlag(PathActions.Handshake))
        {
            _handshakes.Begin(tunnel, now);
        }

        if (tunnel.Ping is { IsSent: false } ping && tunnel.Paths.Route.First is { IsNone: false } path && _sender.SendProbe(tunnel, path, PeerPaths.SmallSize, now) is { } challenge)
        {
            ping.NoteSent(challenge, path, tunnel.Paths.Changes, now);
        }

        if (!tunnel.IsDozing && now - tunnel.LastSentAt > _time.TimestampFrequency * (long)PathTiming.BusySpan.TotalSeconds)
        {
            tunnel.Doze();
        }
    }
}
