using System.Text;

namespace TunnelMesh.Protocol.Ssh;

// The connection protocol (RFC 4254): one channel, global requests and heartbeats.
public sealed partial class SshConnection
{
    private const uint AdministrativelyProhibited = 1, UnknownChannelType = 3, ResourceShortage = 4;
    private const uint LocalChannel = 0;

    private static readonly byte[] HeartbeatRequest = new SshWriter(SshMessage.GlobalRequest).String("keepalive@openssh.com").Boolean(true).ToArray();
    private static readonly byte[] RequestFailed = [SshMessage.RequestFailure];

    private uint _remoteChannel;
    private long _heardAt;
    private bool _channelExists, _wasOpen, _endSent, _remoteEnded, _closeSent, _heartbeatWanted;
    private long? _heartbeatSince;

    /// <summary>When the last sound packet was read.</summary>
    public long HeardAt => Volatile.Read(ref _heardAt);

    /// <summary>When the heartbeat was asked for that has not been answered yet; null when there is none.</summary>
    public long? HeartbeatSince
    {
        get
        {
            lock (_state)
            {
                return _heartbeatSince;
            }
        }
    }

    private bool IsChannelAllowed => _authenticated && _channelExists && _theirInit is null;

    private bool HasChannelControl => _controlOut.Count > 0 || _heartbeatWanted || IsAdjustDue(_heardAt);

    /// <summary>Asks the other side for an answer, unless one is waited for already. Any thread.</summary>
    /// <param name="now">Current timestamp.</param>
    public void Heartbeat(long now)
    {
        lock (_state)
        {
            if (IsOpen && _heartbeatSince is null)
            {
                _heartbeatSince = now;
                _heartbeatWanted = true;
            }
        }
    }

    /// <summary>Says that we send no more datagrams; what was sealed before still arrives. Any thread.</summary>
    public void EndSending()
    {
        lock (_state)
        {
            if (_wasOpen && !_endSent && Failure is null)
            {
                _endSent = true;
                IsOpen = false;
                _controlOut.Enqueue(Channel(SshMessage.ChannelEof).ToArray());
                CloseIfBothEnded();
            }
        }
    }

    /// <summary>True when we have said that we send no more datagrams, or never could.</summary>
    public bool IsSendingEnded => _endSent || !_wasOpen;

    /// <summary>True when both sides have said that they send no more datagrams.</summary>
    public bool IsEnded => _endSent && _remoteEnded;

    private void OpenChannel()
    {
        SshClientOptions options = (SshClientOptions)_options;
        SshWriter open = new SshWriter(SshMessage.ChannelOpen).String(options.ChannelType).UInt32(LocalChannel).UInt32(Window).UInt32(SshPacket.MaxData);
        if (options.ChannelTarget.Length > 0)
        {
            open.String(options.ChannelTarget);
        }
        _controlOut.Enqueue(open.ToArray());
    }

    private SshEvent HandleChannel(byte message, ReadOnlySpan<byte> payload)
    {
        SshReader reader = new(payload[1..]);
        switch (message)
        {
            case SshMessage.GlobalRequest:
                return TakeGlobalRequest(reader);
            case SshMessage.RequestSuccess or SshMessage.RequestFailure:
                if (!_heartbeatWanted)
                {
                    _heartbeatSince = null;
                }
                return SshEvent.Handled;
            case SshMessage.ChannelOpen:
                return TakeOpen(reader);
            case < SshMessage.ChannelOpen or > SshMessage.ChannelFailure:
                return Unimplemented();
            default:
                break;
        }
        uint channel = reader.UInt32();
        if (reader.IsBad || channel != LocalChannel || !(_channelExists || (IsClient && message <= SshMessage.ChannelOpenFailure)))
        {
            return Fail(SshDisconnectReason.ProtocolError, "a message names a channel that does not exist");
        }
        return message switch
        {
            SshMessage.ChannelOpenConfirmation when !_channelExists => TakeConfirmation(reader),
            SshMessage.ChannelOpenFailure when !_channelExists => Fail(SshDisconnectReason.ByApplication, $"the server refused the channel (reason {reader.UInt32()})"),
            SshMessage.ChannelWindowAdjust => TakeAdjust(reader),
            SshMessage.ChannelExtendedData => TakeExtendedData(reader),
            SshMessage.ChannelEof => TakeEnd(),
            SshMessage.ChannelClose => TakeClose(),
            SshMessage.ChannelRequest => TakeChannelRequest(reader),
            SshMessage.ChannelSuccess or SshMessage.ChannelFailure => SshEvent.Handled,
            _ => Fail(SshDisconnectReason.ProtocolError, "a message does not fit the state of the channel"),
        };
    }

    private SshEvent TakeGlobalRequest(SshReader reader)
    {
        reader.String();
        bool answer = reader.Boolean();
        if (reader.IsBad)
        {
            return Fail(SshDisconnectReason.ProtocolError, "a global request is cut short");
        }
        if (answer)
        {
            _controlOut.Enqueue(RequestFailed);
        }
        return SshEvent.Handled;
    }

    private SshEvent TakeOpen(SshReader reader)
    {
        ReadOnlySpan<byte> type = reader.String();
        uint sender = reader.UInt32(), window = reader.UInt32(), maxData = reader.UInt32();
        if (reader.IsBad)
        {
            return Fail(SshDisconnectReason.ProtocolError, "the opening of a channel is cut short");
        }
        if (_options is not SshServerOptions options)
        {
            return RefuseChannel(sender, AdministrativelyProhibited);
        }
        if (!Ascii.Equals(type, SshChannelType.Datagrams))
        {
            return RefuseChannel(sender, UnknownChannelType);
        }
        if (_channelExists)
        {
            return RefuseChannel(sender, ResourceShortage);
        }
        ReadOnlySpan<byte> target = reader.String();
        if (!reader.IsWhole || !TryReadDevice(target, out UInt128 device) || device != options.Device)
        {
            return RefuseChannel(sender, AdministrativelyProhibited);
        }
        _controlOut.Enqueue(new SshWriter(SshMessage.ChannelOpenConfirmation).UInt32(sender).UInt32(LocalChannel).UInt32(Window).UInt32(SshPacket.MaxData).ToArray());
        return Opened(sender, window, maxData);
    }

    private SshEvent RefuseChannel(uint sender, uint reason)
    {
        _controlOut.Enqueue(new SshWriter(SshMessage.ChannelOpenFailure).UInt32(sender).UInt32(reason).String("").String("").ToArray());
        return SshEvent.Handled;
    }

    private SshEvent TakeConfirmation(SshReader reader)
    {
        uint sender = reader.UInt32(), window = reader.UInt32(), maxData = reader.UInt32();
        return reader.IsBad ? Fail(SshDisconnectReason.ProtocolError, "the confirmation of a channel is cut short") : Opened(sender, window, maxData);
    }

    private SshEvent Opened(uint remoteChannel, uint window, uint maxData)
    {
        (_remoteChannel, _sendWindow, _remoteMaxData) = (remoteChannel, window, maxData);
        _channelExists = _wasOpen = IsOpen = true;
        return SshEvent.Open;
    }

    // Nothing we open has a second stream; its bytes only count.
    private SshEvent TakeExtendedData(SshReader reader)
    {
        reader.UInt32();
        ReadOnlySpan<byte> data = reader.String();
        return reader.IsWhole && TakeWindow((uint)data.Length, _heardAt) ? SshEvent.Handled : Fail(SshDisconnectReason.ProtocolError, "extended data goes beyond the window");
    }

    private SshEvent TakeEnd()
    {
        bool before = _remoteEnded;
        _remoteEnded = true;
        CloseIfBothEnded();
        return before ? SshEvent.Handled : SshEvent.RemoteEnded;
    }

    // A side of ours closes when both have ended; another one may close at once, and nothing more comes of it.
    private SshEvent TakeClose()
    {
        if (!_endSent || !_remoteEnded)
        {
            return Fail(SshDisconnectReason.ByApplication, "the other side closed the channel");
        }
        CloseIfBothEnded();
        return SshEvent.Handled;
    }

    private void CloseIfBothEnded()
    {
        if (_endSent && _remoteEnded && !_closeSent)
        {
            _closeSent = true;
            _controlOut.Enqueue(Channel(SshMessage.ChannelClose).ToArray());
        }
    }

    private SshEvent TakeChannelRequest(SshReader reader)
    {
        reader.String();
        bool answer = reader.Boolean();
        if (reader.IsBad)
        {
            return Fail(SshDisconnectReason.ProtocolError, "a channel request is cut short");
        }
        if (answer)
        {
            _controlOut.Enqueue(Channel(SshMessage.ChannelFailure).ToArray());
        }
        return SshEvent.Handled;
    }

    private SshWriter Channel(byte message) => new SshWriter(message).UInt32(_remoteChannel);

    private void WriteWaiting(Span<byte> destination, ref int written)
    {
        while (_controlOut.TryPeek(out byte[]? payload) && TryPack(payload, destination, ref written))
        {
            _controlOut.Dequeue();
        }
    }

    private void WriteChannelControl(Span<byte> destination, ref int written, long now)
    {
        WriteWaiting(destination, ref written);
        if (_heartbeatWanted && TryPack(HeartbeatRequest, destination, ref written))
        {
            _heartbeatWanted = false;
        }
        WriteAdjust(destination, ref written, now);
    }
}
