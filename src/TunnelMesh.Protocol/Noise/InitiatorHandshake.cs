using System.Buffers.Binary;
using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc7748;

namespace TunnelMesh.Protocol.Noise;

/// <summary>
/// The initiator's side of one handshake (whitepaper 5.4.2 and 5.4.3): made with its initiation, waits for the response.
/// Pure; one thread at a time. Dispose forgets the ephemeral key.
/// </summary>
public sealed class InitiatorHandshake : IDisposable
{
    private const int EphemeralAt = 8, StaticAt = 40, TimestampAt = 88, Mac1At = 116;

    private readonly LocalStatic _local;
    private readonly SymmetricState _state;
    private readonly byte[] _presharedKey;
    private readonly byte[] _ephemeral = new byte[WireGuardMessage.KeySize];
    private readonly byte[] _mac1 = new byte[WireGuardMessage.MacSize];

    private InitiatorHandshake(LocalStatic local, ReadOnlySpan<byte> remotePublic, ReadOnlySpan<byte> presharedKey, uint localIndex)
    {
        _local = local;
        _state = new SymmetricState(remotePublic);
        _presharedKey = presharedKey.IsEmpty ? new byte[WireGuardMessage.KeySize] : presharedKey.ToArray();
        LocalIndex = localIndex;
    }

    /// <summary>Our index; the response carries it as its receiver.</summary>
    public uint LocalIndex { get; }

    /// <summary>The mac1 of the initiation sent: the associated data of a cookie reply to it.</summary>
    public ReadOnlySpan<byte> Mac1 => _mac1;

    /// <summary>Makes an initiation. Null when the remote key is of low order, which no honest peer has.</summary>
    /// <param name="local">Our static key; outlives the handshake.</param>
    /// <param name="remotePublic">The responder's static key, 32 bytes.</param>
    /// <param name="presharedKey">32 bytes, or empty for none.</param>
    /// <param name="localIndex">Unused random index.</param>
    /// <param name="timestamp">Later than every one sent to this peer before.</param>
    /// <param name="cookie">A live cookie of the responder, 16 bytes, or empty.</param>
    /// <param name="random">Source of the ephemeral key.</param>
    /// <param name="message">Receives 148 bytes.</param>
    public static InitiatorHandshake? Create(
        LocalStatic local, ReadOnlySpan<byte> remotePublic, ReadOnlySpan<byte> presharedKey, uint localIndex, Tai64n timestamp,
        ReadOnlySpan<byte> cookie, Action<Span<byte>> random, Span<byte> message)
    {
        ArgumentNullException.ThrowIfNull(local);
        ArgumentNullException.ThrowIfNull(random);
        message = message[..WireGuardMessage.InitiationSize];
        InitiatorHandshake handshake = new(local, remotePublic, presharedKey, localIndex);
        if (!handshake.Write(remotePublic, timestamp, cookie, random, message))
        {
            handshake.Dispose();
            return null;
        }
        return handshake;
    }

    /// <summary>
    /// Checks a response, whose MACs were checked before, and derives the session. False changes nothing: the true
    /// response may still come.
    /// </summary>
    /// <param name="response">92 bytes.</param>
    /// <param name="now">Current timestamp.</param>
    /// <param name="time">Provider of timestamps.</param>
    /// <param name="session">The new session; the caller owns it. We may send on it at once.</param>
    public bool TryConsume(ReadOnlySpan<byte> response, long now, TimeProvider time, out TransportKeypair? session)
    {
        session = null;
        if (WireGuardMessage.TypeOf(response) != WireGuardMessage.Response ||
            BinaryPrimitives.ReadUInt32LittleEndian(response[8..]) != LocalIndex)
        {
            return false;
        }
        using SymmetricState state = _state.Clone();
        ReadOnlySpan<byte> remoteEphemeral = response.Slice(12, WireGuardMessage.KeySize);
        Span<byte> shared = stackalloc byte[WireGuardMessage.KeySize];
        try
        {
            state.MixEphemeral(remoteEphemeral);
            if (!LocalStatic.Agree(_ephemeral, remoteEphemeral, shared))
            {
                return false;
            }
            state.MixKey(shared);
            if (!_local.TryAgree(remoteEphemeral, shared))
            {
                return false;
            }
            state.MixKey(shared);
            state.MixKeyAndHash(_presharedKey);
            if (!state.TryDecryptAndHash(response.Slice(44, WireGuardMessage.TagSize), []))
            {
                return false;
            }
            uint remoteIndex = BinaryPrimitives.ReadUInt32LittleEndian(response[4..]);
            session = SessionKeys.Derive(state, LocalIndex, remoteIndex, isInitiator: true, now, time);
            return true;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(shared);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _state.Dispose();
        CryptographicOperations.ZeroMemory(_ephemeral);
        CryptographicOperations.ZeroMemory(_presharedKey);
    }

    private bool Write(ReadOnlySpan<byte> remotePublic, Tai64n timestamp, ReadOnlySpan<byte> cookie, Action<Span<byte>> random, Span<byte> message)
    {
        message.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(message, WireGuardMessage.Initiation);
        BinaryPrimitives.WriteUInt32LittleEndian(message[4..], LocalIndex);
        random(_ephemeral);
        X25519.ClampPrivateKey(_ephemeral);
        Span<byte> ephemeralPublic = message.Slice(EphemeralAt, WireGuardMessage.KeySize);
        X25519.GeneratePublicKey(_ephemeral, ephemeralPublic);
        Span<byte> shared = stackalloc byte[WireGuardMessage.KeySize];
        try
        {
            _state.MixEphemeral(ephemeralPublic);
            if (!LocalStatic.Agree(_ephemeral, remotePublic, shared))
            {
                return false;
            }
            _state.MixKey(shared);
            _state.EncryptAndHash(_local.PublicKey.Span, message[StaticAt..TimestampAt]);
            if (!_local.TryAgree(remotePublic, shared))
            {
                return false;
            }
            _state.MixKey(shared);
            Span<byte> label = stackalloc byte[Tai64n.Size];
            timestamp.Write(label);
            _state.EncryptAndHash(label, message[TimestampAt..Mac1At]);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(shared);
        }
        MessageMacs.Write(message, MacKeys.Mac1(remotePublic), cookie);
        message.Slice(Mac1At, WireGuardMessage.MacSize).CopyTo(_mac1);
        return true;
    }
}
