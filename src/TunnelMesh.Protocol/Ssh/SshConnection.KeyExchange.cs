using System.Security.Cryptography;
using TunnelMesh.Protocol.Identity;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Protocol.Ssh;

// Key exchanges: the first, whose messages strict key exchange lets nothing come between, and those after it, which either side begins.
public sealed partial class SshConnection
{
    // Each costs a signature and two multiplications; at 10 Gbit/s a gigabyte lasts most of a second.
    private const int MaxRekeysPerMinute = 240;

    private readonly byte[] _sessionId = new byte[SHA256.HashSizeInBytes];
    private byte[]? _ourInit;
    private byte[]? _theirInit;
    private SshKeyExchange? _exchange;
    private SshCipher? _nextIn;
    private bool _isFirstExchange = true, _newKeysSent, _passOver;
    private long? _exchangeBegan;
    private long _rekeyAt = long.MaxValue, _bytesIn, _bytesOut, _rekeyMinute;
    private int _rekeysInMinute;

    /// <summary>Key exchanges so far that are complete.</summary>
    public int KeyExchanges { get; private set; }

    // From our KEXINIT to our NEWKEYS nothing else may be sent (RFC 4253 section 7.1).
    private bool IsHoldingBack => _ourInit is not null && !_newKeysSent;

    // Without authentication there is nothing worth new keys.
    private void BeginRekey(long now)
    {
        if (_authenticated && _ourInit is null && Failure is null)
        {
            BeginExchange(now);
        }
    }

    private void BeginExchange(long now)
    {
        _ourInit = SshKexInit.Write(IsClient, _options.Random);
        _newKeysSent = false;
        _exchangeBegan ??= now;
        _exchangeOut.Enqueue(new SshOutgoing(_ourInit));
    }

    private SshEvent HandleExchange(byte message, ReadOnlySpan<byte> payload, long now)
    {
        if (_passOver && message is > SshMessage.NewKeys)
        {
            _passOver = false;
            return SshEvent.Handled;
        }
        return message switch
        {
            SshMessage.KexInit when _theirInit is null => TakeInit(payload, now),
            SshMessage.KexEcdhInit when !IsClient && _theirInit is not null && _exchange is null => TakeClientPoint(payload),
            SshMessage.KexEcdhReply when IsClient && _exchange is not null && _nextIn is null => TakeServerPoint(payload),
            SshMessage.NewKeys when _nextIn is not null => TakeNewKeys(payload, now),
            _ => Fail(SshDisconnectReason.ProtocolError, "a message does not belong into the key exchange"),
        };
    }

    private SshEvent TakeInit(ReadOnlySpan<byte> payload, long now)
    {
        if (!_isFirstExchange && _ourInit is null && !MayRekey(now))
        {
            return Fail(SshDisconnectReason.ProtocolError, "the other side wants new keys too often");
        }
        if (SshKexInit.Check(payload, theyAreClient: !IsClient, _isFirstExchange, out _passOver) is { } problem)
        {
            return Fail(SshDisconnectReason.KeyExchangeFailed, problem);
        }
        _theirInit = payload.ToArray();
        if (_ourInit is null)
        {
            BeginExchange(now);
        }
        if (IsClient)
        {
            _exchange = new SshKeyExchange(_options.Random);
            _exchangeOut.Enqueue(new SshOutgoing(new SshWriter(SshMessage.KexEcdhInit).String(_exchange.Public).ToArray()));
        }
        return SshEvent.Handled;
    }

    private SshEvent TakeClientPoint(ReadOnlySpan<byte> payload)
    {
        SshReader reader = new(payload[1..]);
        ReadOnlySpan<byte> point = reader.String();
        byte[] hostKey = SshKeys.PublicBlob(_options.Identity.PublicKey);
        _exchange = new SshKeyExchange(_options.Random);
        if (!reader.IsWhole || !_exchange.TryAgree(point, IsClient, hostKey, Hello(), SessionId))
        {
            return Fail(SshDisconnectReason.KeyExchangeFailed, "the client's ephemeral key is none");
        }
        byte[] signature = SshKeys.SignatureBlob(_options.Identity.Sign(_exchange.Hash));
        _exchangeOut.Enqueue(new SshOutgoing(new SshWriter(SshMessage.KexEcdhReply).String(hostKey).String(_exchange.Public).String(signature).ToArray()));
        return Agreed();
    }

    private SshEvent TakeServerPoint(ReadOnlySpan<byte> payload)
    {
        SshReader reader = new(payload[1..]);
        ReadOnlySpan<byte> hostKey = reader.String(), point = reader.String(), signature = reader.String();
        if (!reader.IsWhole)
        {
            return Fail(SshDisconnectReason.KeyExchangeFailed, "the server's answer to the key exchange is cut short");
        }
        if (!SshKeys.TryReadPublic(hostKey, out ReadOnlySpan<byte> key) || !key.SequenceEqual(((SshClientOptions)_options).HostKey))
        {
            return Fail(SshDisconnectReason.HostKeyNotVerifiable, "the host key is not the one of this peer");
        }
        if (!_exchange!.TryAgree(point, IsClient, hostKey, Hello(), SessionId))
        {
            return Fail(SshDisconnectReason.KeyExchangeFailed, "the server's ephemeral key is none");
        }
        return SshKeys.TryReadSignature(signature, out ReadOnlySpan<byte> signed) && IdentityKey.Verify(key, _exchange.Hash, signed)
            ? Agreed()
            : Fail(SshDisconnectReason.HostKeyNotVerifiable, "the server does not hold its host key");
    }

    private SshEvent Agreed()
    {
        if (_isFirstExchange)
        {
            _exchange!.Hash.CopyTo(_sessionId, 0);
        }
        _nextIn = _exchange!.Derive(fromClient: !IsClient);
        _exchangeOut.Enqueue(new SshOutgoing([SshMessage.NewKeys], _exchange.Derive(fromClient: IsClient)));
        _newKeysSent = true;
        _bytesOut = 0;
        return SshEvent.Handled;
    }

    private SshEvent TakeNewKeys(ReadOnlySpan<byte> payload, long now)
    {
        if (payload.Length != 1)
        {
            return Fail(SshDisconnectReason.ProtocolError, "a NEWKEYS has more than its number");
        }
        _opener.SetKeys(_nextIn!);
        _nextIn = null;
        _exchange!.Dispose();
        _exchange = null;
        _ourInit = _theirInit = null;
        _exchangeBegan = null;
        _bytesIn = 0;
        _rekeyAt = _options.Time.After(now, _options.RekeyAfter);
        KeyExchanges++;
        bool first = _isFirstExchange;
        _isFirstExchange = false;
        return first && IsClient ? SshEvent.HostVerified : SshEvent.Handled;
    }

    private ReadOnlySpan<byte> SessionId => _isFirstExchange ? default : _sessionId;

    // Identifications and KEXINITs, the client's first (RFC 4253 section 8).
    private SshWriter Hello()
    {
        SshWriter hello = new();
        return IsClient
            ? hello.String(SshIdentification.Ours).String(_theirIdentification).String(_ourInit).String(_theirInit)
            : hello.String(_theirIdentification).String(SshIdentification.Ours).String(_theirInit).String(_ourInit);
    }

    private bool MayRekey(long now)
    {
        if (now >= _options.Time.After(_rekeyMinute, TimeSpan.FromMinutes(1)))
        {
            _rekeyMinute = now;
            _rekeysInMinute = 0;
        }
        return ++_rekeysInMinute <= MaxRekeysPerMinute;
    }
}
