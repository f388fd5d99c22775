using System.Buffers.Binary;
using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc7748;

namespace TunnelMesh.Protocol.Noise;

/// <summary>
/// The responder's side of one handshake: an authentic initiation, from which the caller finds the peer, checks the
/// timestamp, and then answers. Pure; one thread at a time.
/// </summary>
public sealed class ReceivedInitiation : IDisposable
{
    private readonly SymmetricState _state;
    private readonly byte[] _remoteEphemeral;
    private readonly byte[] _remotePublic;

    private ReceivedInitiation(SymmetricState state, ReadOnlySpan<byte> remoteEphemeral, ReadOnlySpan<byte> remotePublic, uint remoteIndex, Tai64n timestamp)
    {
        _state = state;
        _remoteEphemeral = remoteEphemeral.ToArray();
        _remotePublic = remotePublic.ToArray();
        RemoteIndex = remoteIndex;
        Timestamp = timestamp;
    }

    /// <summary>The initiator's static key: who it is. Authentic, but a replay until <see cref="Timestamp"/> is checked.</summary>
    public ReadOnlySpan<byte> RemotePublic => _remotePublic;

    /// <summary>The initiator's index.</summary>
    public uint RemoteIndex { get; }

    /// <summary>Must be later than the greatest seen from this peer.</summary>
    public Tai64n Timestamp { get; }

    /// <summary>Reads an initiation, whose MACs were checked before. Null when it is not authentic.</summary>
    /// <param name="local">Our static key.</param>
    /// <param name="message">148 bytes.</param>
    public static ReceivedInitiation? TryRead(LocalStatic local, ReadOnlySpan<byte> message)
    {
        ArgumentNullException.ThrowIfNull(local);
        if (WireGuardMessage.TypeOf(message) != WireGuardMessage.Initiation)
        {
            return null;
        }
        SymmetricState state = new(local.PublicKey.Span);
        ReceivedInitiation? result = Read(local, message, state);
        if (result is null)
        {
            state.Dispose();
        }
        return result;
    }

    /// <summary>
    /// Answers and derives the session. We may send on it only after a first packet came in on it (whitepaper 5.1).
    /// Null when the initiator's ephemeral key is of low order.
    /// </summary>
    /// <param name="presharedKey">32 bytes, or empty for none.</param>
    /// <param name="localIndex">Unused random index.</param>
    /// <param name="cookie">A live cookie of the initiator, 16 bytes, or empty.</param>
    /// <param name="random">Source of the ephemeral key.</param>
    /// <param name="now">Current timestamp.</param>
    /// <param name="time">Provider of timestamps.</param>
    /// <param name="message">Receives 92 bytes.</param>
    public TransportKeypair? Respond(
        ReadOnlySpan<byte> presharedKey, uint localIndex, ReadOnlySpan<byte> cookie, Action<Span<byte>> random, long now, TimeProvider time, Span<byte> message)
    {
        ArgumentNullException.ThrowIfNull(random);
        message = message[..WireGuardMessage.ResponseSize];
        message.Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(message, WireGuardMessage.Response);
        BinaryPrimitives.WriteUInt32LittleEndian(message[4..], localIndex);
        BinaryPrimitives.WriteUInt32LittleEndian(message[8..], RemoteIndex);
        Span<byte> ephemeral = stackalloc byte[WireGuardMessage.KeySize];
        Span<byte> shared = stackalloc byte[WireGuardMessage.KeySize];
        Span<byte> zeros = stackalloc byte[WireGuardMessage.KeySize];
        zeros.Clear();
        try
        {
            random(ephemeral);
            X25519.ClampPrivateKey(ephemeral);
            Span<byte> ephemeralPublic = message.Slice(12, WireGuardMessage.KeySize);
            X25519.GeneratePublicKey(ephemeral, ephemeralPublic);
            _state.MixEphemeral(ephemeralPublic);
            if (!LocalStatic.Agree(ephemeral, _remoteEphemeral, shared))
            {
                return null;
            }
            _state.MixKey(shared);
            if (!LocalStatic.Agree(ephemeral, _remotePublic, shared))
            {
                return null;
            }
            _state.MixKey(shared);
            _state.MixKeyAndHash(presharedKey.IsEmpty ? zeros : presharedKey);
            _state.EncryptAndHash([], message.Slice(44, WireGuardMessage.TagSize));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(ephemeral);
            CryptographicOperations.ZeroMemory(shared);
        }
        MessageMacs.Write(message, MacKeys.Mac1(_remotePublic), cookie);
        return SessionKeys.Derive(_state, localIndex, RemoteIndex, isInitiator: false, now, time);
    }

    /// <inheritdoc/>
    public void Dispose() => _state.Dispose();

    private static ReceivedInitiation? Read(LocalStatic local, ReadOnlySpan<byte> message, SymmetricState state)
    {
        ReadOnlySpan<byte> ephemeral = message.Slice(8, WireGuardMessage.KeySize);
        Span<byte> shared = stackalloc byte[WireGuardMessage.KeySize];
        Span<byte> remotePublic = stackalloc byte[WireGuardMessage.KeySize];
        Span<byte> label = stackalloc byte[Tai64n.Size];
        try
        {
            state.MixEphemeral(ephemeral);
            if (!local.TryAgree(ephemeral, shared))
            {
                return null;
            }
            state.MixKey(shared);
            if (!state.TryDecryptAndHash(message[40..88], remotePublic) || !local.TryAgree(remotePublic, shared))
            {
                return null;
            }
            state.MixKey(shared);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(shared);
        }
        return state.TryDecryptAndHash(message[88..116], label)
            ? new ReceivedInitiation(state, ephemeral, remotePublic, BinaryPrimitives.ReadUInt32LittleEndian(message[4..]), Tai64n.Read(label))
            : null;
    }
}
