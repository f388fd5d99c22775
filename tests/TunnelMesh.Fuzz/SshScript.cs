using TunnelMesh.Protocol.Identity;
using TunnelMesh.Protocol.Ssh;

namespace TunnelMesh.Fuzz;

/// <summary>
/// The other side of an SSH connection, played by hand: it goes through the stages as far as it is told, and says at each whatever it is given. For hostile
/// peers, in tests and fuzzing. One thread.
/// </summary>
/// <param name="other">The connection it talks to.</param>
/// <param name="key">Host key or user key.</param>
/// <param name="random">Source of ephemeral keys; the same bytes give the same conversation.</param>
/// <param name="now">Timestamp of everything.</param>
public sealed class SshScript(SshConnection other, IdentityKey key, Action<Span<byte>> random, long now) : IDisposable
{
    private readonly bool _isClient = !other.IsClient;
    private readonly SshSealer _sealer = new();
    private readonly SshOpener _opener = new() { MaxLength = SshPacket.MaxLength };
    private readonly byte[] _control = new byte[36 * 1024];
    private byte[] _unread = [], _unheard = [];
    private byte[]? _theirIdentification;
    private byte[] _ourInit = [];
    private SshCipher? _nextIn;

    /// <summary>Messages of the other side.</summary>
    public List<byte[]> Heard { get; } = [];

    /// <summary>What the other side made of ours.</summary>
    public List<SshEvent> Events { get; } = [];

    /// <summary>Frames that the other side received.</summary>
    public List<byte[]> Data { get; } = [];

    /// <summary>The hash of the first exchange.</summary>
    public byte[] SessionId { get; private set; } = [];

    /// <summary>True when the other side ended the connection.</summary>
    public bool IsOver => other.Failure is not null;

    /// <summary>The newest message with a number; null when there was none.</summary>
    public byte[]? Last(byte message) => Heard.FindLast(m => m[0] == message);

    /// <summary>Feeds bytes as they are.</summary>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        byte[] all = [.. _unread, .. bytes];
        int at = 0;
        while (true)
        {
            SshStep step = other.Read(all.AsSpan(at), now);
            if (step.Event == SshEvent.Data)
            {
                Data.Add(all.AsSpan(at + step.DataOffset, step.DataLength).ToArray());
            }
            at += step.Consumed;
            if (step.Event != SshEvent.NeedMore)
            {
                Events.Add(step.Event);
            }
            if (step.Event is SshEvent.NeedMore or SshEvent.Closed)
            {
                _unread = all[at..];
                return;
            }
        }
    }

    /// <summary>The packet of a message.</summary>
    public byte[] Seal(ReadOnlySpan<byte> payload)
    {
        byte[] packet = new byte[_sealer.SizeOf(payload.Length)];
        payload.CopyTo(packet.AsSpan(SshPacket.PrefixBytes));
        _sealer.Seal(packet, payload.Length);
        return packet;
    }

    /// <summary>Says a message, and listens.</summary>
    public void Say(ReadOnlySpan<byte> payload)
    {
        Raw(Seal(payload));
        Listen();
    }

    /// <summary>Takes what the other side has to say.</summary>
    public void Listen()
    {
        while (other.WriteControl(_control, now) is var written and > 0)
        {
            _unheard = [.. _unheard, .. _control.AsSpan(0, written)];
        }
        int at = 0;
        if (_theirIdentification is null && SshIdentification.TryTakeLine(_unheard, out at, out ReadOnlySpan<byte> line))
        {
            _theirIdentification = line.ToArray();
        }
        while (_opener.TryTake(_unheard.AsSpan(at), out int size, out int length) == SshDisconnectReason.None && size > 0)
        {
            Heard.Add(_unheard.AsSpan(at + SshPacket.PrefixBytes, length).ToArray());
            at += size;
            if (Heard[^1][0] == SshMessage.KexEcdhReply && Exchange is not null)
            {
                TakeReply(Heard[^1]);
            }
            else if (Heard[^1][0] == SshMessage.NewKeys && _nextIn is not null)
            {
                _opener.SetKeys(_nextIn);
                _nextIn = null;
            }
        }
        _unheard = _unheard[at..];
    }

    /// <summary>Identification and KEXINIT.</summary>
    public void Begin()
    {
        Raw(SshIdentification.Line);
        _ourInit = SshKexInit.Write(_isClient, random);
        Say(_ourInit);
    }

    /// <summary>The whole first key exchange.</summary>
    public void ExchangeKeys()
    {
        Begin();
        Exchange = new SshKeyExchange(random);
        if (_isClient)
        {
            Say(new SshWriter(SshMessage.KexEcdhInit).String(Exchange.Public).ToArray());
        }
        else
        {
            byte[] hostKey = SshKeys.PublicBlob(key.PublicKey);
            SshReader init = new(Last(SshMessage.KexEcdhInit).AsSpan(1));
            Exchange.TryAgree(init.String(), false, hostKey, Hello(), default);
            SessionId = Exchange.Hash;
            _nextIn = Exchange.Derive(fromClient: true);
            Say(new SshWriter(SshMessage.KexEcdhReply).String(hostKey).String(Exchange.Public).String(SshKeys.SignatureBlob(key.Sign(Exchange.Hash))).ToArray());
        }
        Say([SshMessage.NewKeys]);
        _sealer.SetKeys(Exchange.Derive(fromClient: _isClient));
        if (!_isClient)
        {
            other.Authenticate();
        }
        Listen();
    }

    /// <summary>Logs in, or lets in.</summary>
    public void Authenticate(string user)
    {
        if (_isClient)
        {
            Say(new SshWriter(SshMessage.ServiceRequest).String("ssh-userauth").ToArray());
            Say(LogIn(user, key, SessionId));
        }
        else
        {
            Say(new SshWriter(SshMessage.ServiceAccept).String("ssh-userauth").ToArray());
            Say([SshMessage.UserAuthSuccess]);
        }
    }

    /// <summary>Opens the channel, or confirms it.</summary>
    public void OpenChannel(string target) => Say(_isClient
        ? new SshWriter(SshMessage.ChannelOpen).String(SshChannelType.Datagrams).UInt32(0).UInt32(1 << 20).UInt32(SshPacket.MaxData).String(target).ToArray()
        : new SshWriter(SshMessage.ChannelOpenConfirmation).UInt32(0).UInt32(0).UInt32(1 << 20).UInt32(SshPacket.MaxData).ToArray());

    /// <summary>A signed authentication request.</summary>
    public static byte[] LogIn(string user, IdentityKey key, ReadOnlySpan<byte> sessionId)
    {
        byte[] request = new SshWriter(SshMessage.UserAuthRequest).String(user).String("ssh-connection").String("publickey").Boolean(true)
            .String("ssh-ed25519").String(SshKeys.PublicBlob(key.PublicKey)).ToArray();
        return new SshWriter().Bytes(request).String(SshKeys.SignatureBlob(key.Sign(new SshWriter().String(sessionId).Bytes(request).ToArray()))).ToArray();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Exchange?.Dispose();
        _sealer.Dispose();
        _opener.Dispose();
        _nextIn?.Dispose();
    }

    internal SshKeyExchange? Exchange { get; private set; }

    private void TakeReply(ReadOnlySpan<byte> reply)
    {
        SshReader reader = new(reply[1..]);
        ReadOnlySpan<byte> hostKey = reader.String(), point = reader.String();
        Exchange!.TryAgree(point, true, hostKey, Hello(), default);
        SessionId = Exchange.Hash;
        _nextIn = Exchange.Derive(fromClient: false);
    }

    private SshWriter Hello()
    {
        byte[] theirInit = Last(SshMessage.KexInit)!;
        return _isClient
            ? new SshWriter().String(SshIdentification.Ours).String(_theirIdentification).String(_ourInit).String(theirInit)
            : new SshWriter().String(_theirIdentification).String(SshIdentification.Ours).String(theirInit).String(_ourInit);
    }
}
