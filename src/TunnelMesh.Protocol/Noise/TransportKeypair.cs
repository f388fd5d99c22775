using System.Buffers.Binary;
using System.Diagnostics;

namespace TunnelMesh.Protocol.Noise;

/// <summary>
/// The two keys of an established session, and its counters. Any number of threads seal, each message under a number of its own; one
/// thread opens. Neither allocates. Times are <see cref="TimeProvider.GetTimestamp"/> values of the owner's provider.
/// </summary>
public sealed class TransportKeypair : IDisposable
{
    /// <summary>After this many messages nothing more is sealed or opened (whitepaper 6.1: 2^64 − 2^13 − 1).</summary>
    public const ulong RejectAfterMessages = ulong.MaxValue - (1UL << 13);

    /// <summary>After this many messages a new handshake is due (2^60).</summary>
    public const ulong RekeyAfterMessages = 1UL << 60;

    private readonly TransportAead _send;
    private readonly TransportAead _receive;
    private readonly ReplayWindow _window = new();
    private readonly long _rejectAt;
    private readonly Lock? _sealing;
    private ulong _sendCounter;
    private int _opening;

    internal TransportKeypair(ReadOnlySpan<byte> sendKey, ReadOnlySpan<byte> receiveKey, uint localIndex, uint remoteIndex, bool isInitiator, long createdAt, long rejectAt)
    {
        _send = TransportAead.Create(sendKey);
        _receive = TransportAead.Create(receiveKey);
        _sealing = _send.IsConcurrent ? null : new Lock();
        _rejectAt = rejectAt;
        LocalIndex = localIndex;
        RemoteIndex = remoteIndex;
        IsInitiator = isInitiator;
        CreatedAt = createdAt;
    }

    /// <summary>What seals and opens in this process: <c>avx512</c>, <c>libcrypto</c> or <c>framework</c>.</summary>
    public static string CipherName => TransportAead.Name;

    /// <summary>The index the remote puts into datagrams to us.</summary>
    public uint LocalIndex { get; }

    /// <summary>The index we put into datagrams to the remote.</summary>
    public uint RemoteIndex { get; }

    /// <summary>True when we began the handshake.</summary>
    public bool IsInitiator { get; }

    /// <summary>Timestamp at which the handshake was complete here.</summary>
    public long CreatedAt { get; }

    /// <summary>Numbers taken by messages so far.</summary>
    public ulong SentMessages => Volatile.Read(ref _sendCounter);

    /// <summary>True while the session may be used, by age (180 s) alone.</summary>
    public bool IsAlive(long now) => now < _rejectAt;

    /// <summary>
    /// Seals in place. <paramref name="buffer"/> holds 16 bytes for the header, the packet at offset 16 and room for padding
    /// and the tag; the padding is zeroed here.
    /// </summary>
    /// <param name="buffer">At least 16 + <paramref name="paddedLength"/> + 16 bytes; stays the caller's.</param>
    /// <param name="length">Packet length in bytes; 0 makes a keepalive.</param>
    /// <param name="paddedLength">From <see cref="WireGuardMessage.Padded"/>.</param>
    /// <param name="now">Current timestamp.</param>
    /// <returns>Length of the datagram, or 0 when this session may not send any more: by age, by messages, or disposed.</returns>
    public int Seal(Span<byte> buffer, int length, int paddedLength, long now)
    {
        if (!IsAlive(now) || !TryReserve(1, out ulong counter))
        {
            return 0;
        }
        WriteHeader(buffer, counter);
        Span<byte> data = buffer.Slice(WireGuardMessage.TransportHeaderSize, paddedLength);
        data[length..].Clear();
        _sealing?.Enter();
        try
        {
            _send.Seal(counter, data, buffer.Slice(WireGuardMessage.TransportHeaderSize + paddedLength, WireGuardMessage.TagSize));
            return paddedLength + WireGuardMessage.TransportOverhead;
        }
        catch (ObjectDisposedException)
        {
            return 0;
        }
        finally
        {
            _sealing?.Exit();
        }
    }

    /// <summary>Seals packets in place, numbered in their order. Before the data of each lie 16 bytes for its header, behind it 16 for its tag.</summary>
    /// <param name="buffer">Holds all of them; stays the caller's.</param>
    /// <param name="packets">Where the padded packets lie; their counters are set here.</param>
    /// <param name="now">Current timestamp.</param>
    /// <returns>False when this session may not send any more: by age, by messages, or disposed. Nothing is then to be sent.</returns>
    public bool SealBatch(Span<byte> buffer, Span<AeadPacket> packets, long now)
    {
        if (!IsAlive(now) || !TryReserve((uint)packets.Length, out ulong counter))
        {
            return false;
        }
        foreach (ref AeadPacket packet in packets)
        {
            packet.Counter = counter++;
            WriteHeader(buffer.Slice(packet.Offset - WireGuardMessage.TransportHeaderSize, WireGuardMessage.TransportHeaderSize), packet.Counter);
        }
        _sealing?.Enter();
        try
        {
            _send.SealBatch(buffer, packets);
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
        finally
        {
            _sealing?.Exit();
        }
    }

    /// <summary>Opens in place datagrams that <see cref="WireGuardMessage.TypeOf"/> calls transport data, as <see cref="Open"/> does each in their order.</summary>
    /// <param name="buffer">Holds all of them; what fails is zeroed.</param>
    /// <param name="packets">Where their sealed data lies, without header and tag; their counters are read here.</param>
    /// <param name="results">Receives what became of each; as long as <paramref name="packets"/>.</param>
    /// <param name="now">Current timestamp.</param>
    public void OpenBatch(Span<byte> buffer, Span<AeadPacket> packets, Span<OpenResult> results, long now)
    {
        results = results[..packets.Length];
        results.Fill(OpenResult.Expired);
        if (!IsAlive(now))
        {
            return;
        }
        Enter(ref _opening);
        try
        {
            foreach (ref AeadPacket packet in packets)
            {
                packet.Counter = BinaryPrimitives.ReadUInt64LittleEndian(buffer[(packet.Offset - sizeof(ulong))..]);
            }
            _receive.OpenBatch(buffer, packets);
            for (int i = 0; i < packets.Length; i++)
            {
                if (packets[i].Counter < RejectAfterMessages)
                {
                    results[i] = !packets[i].IsAuthentic ? OpenResult.Forged : _window.TryAccept(packets[i].Counter) ? OpenResult.Opened : OpenResult.Replayed;
                }
            }
        }
        catch (ObjectDisposedException)
        {
            // As they were filled: expired.
        }
        finally
        {
            Leave(ref _opening);
        }
    }

    /// <summary>
    /// Opens in place a datagram that <see cref="WireGuardMessage.TypeOf"/> calls transport data. The packet, padding
    /// included, then stands at offset 16. The replay window moves only after authentication.
    /// </summary>
    /// <param name="datagram">The whole datagram; on failure its content is worthless.</param>
    /// <param name="now">Current timestamp.</param>
    /// <param name="length">Length of packet and padding, 0 for a keepalive.</param>
    public OpenResult Open(Span<byte> datagram, long now, out int length)
    {
        length = datagram.Length - WireGuardMessage.TransportOverhead;
        if (length < 0)
        {
            return OpenResult.Forged;
        }
        ulong counter = BinaryPrimitives.ReadUInt64LittleEndian(datagram[8..]);
        if (counter >= RejectAfterMessages || !IsAlive(now))
        {
            return OpenResult.Expired;
        }
        Enter(ref _opening);
        Span<byte> data = datagram.Slice(WireGuardMessage.TransportHeaderSize, length);
        try
        {
            if (!_receive.TryOpen(counter, data, datagram[^WireGuardMessage.TagSize..]))
            {
                return OpenResult.Forged;
            }
            return _window.TryAccept(counter) ? OpenResult.Opened : OpenResult.Replayed;
        }
        catch (ObjectDisposedException)
        {
            return OpenResult.Expired;
        }
        finally
        {
            Leave(ref _opening);
        }
    }

    /// <summary>True once the keys have been forgotten.</summary>
    internal bool IsDisposed { get; private set; }

    /// <summary>Forgets the keys, from any thread: a call that seals or opens at that moment ends first or finds the session expired.</summary>
    public void Dispose()
    {
        IsDisposed = true;
        _send.Dispose();
        _receive.Dispose();
    }

    // By comparing, never by adding first: numbers that were not given out must not creep up to the end of the counter.
    private bool TryReserve(uint count, out ulong first)
    {
        do
        {
            first = Volatile.Read(ref _sendCounter);
            if (count > RejectAfterMessages - first)
            {
                return false;
            }
        }
        while (Interlocked.CompareExchange(ref _sendCounter, first + count, first) != first);
        return true;
    }

    private void WriteHeader(Span<byte> header, ulong counter)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(header, WireGuardMessage.Transport);
        BinaryPrimitives.WriteUInt32LittleEndian(header[4..], RemoteIndex);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], counter);
    }

    // One thread opens: two would let a replay through.
    [Conditional("DEBUG")]
    private static void Enter(ref int inside) => Debug.Assert(Interlocked.Exchange(ref inside, 1) == 0, "Two threads open with one session.");

    [Conditional("DEBUG")]
    private static void Leave(ref int inside) => Volatile.Write(ref inside, 0);
}
