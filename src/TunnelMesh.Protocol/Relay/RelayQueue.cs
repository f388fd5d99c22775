using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace TunnelMesh.Protocol.Relay;

/// <summary>
/// Messages of datagrams that wait, in order. Datagrams that follow others of the same device and size join their message, so a queue that grows makes fewer
/// and larger ones. Memory is borrowed while messages wait. The caller bounds it by <see cref="Bytes"/>. Not thread-safe.
/// </summary>
public sealed class RelayQueue
{
    // Small messages take more room than they fill, so that a queue bounded by bytes is bounded in number too.
    private const int LeastArray = 512, KeptPlaces = 256;
    private RelayBuffer[] _ring = [];
    private int _first;

    /// <summary>Messages that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Memory borrowed, in bytes.</summary>
    public int Bytes { get; private set; }

    /// <summary>Copies datagrams in.</summary>
    /// <param name="device">The device that their message names.</param>
    /// <param name="datagrams">Sound (<see cref="RelayFrame.AreSound"/>).</param>
    /// <param name="segmentSize">Bytes of each; the last may be shorter.</param>
    public void Add(UInt128 device, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (TryJoin(device, datagrams, segmentSize))
        {
            return;
        }
        int length = RelayFrame.HeaderBytes + datagrams.Length;
        byte[] array = Rent(length);
        RelayFrame.WriteHeader(array, device, segmentSize);
        datagrams.CopyTo(array.AsSpan(RelayFrame.HeaderBytes));
        Append(new RelayBuffer(array, length));
    }

    /// <summary>Takes a whole message of datagrams over.</summary>
    /// <param name="message">Sound; the queue's from now on when it was kept.</param>
    /// <returns>True when the array was kept; false when its content was copied, because it fills little of it.</returns>
    public bool Add(in RelayBuffer message)
    {
        if (message.Length > message.Array.Length / 2)
        {
            Append(message);
            return true;
        }
        ReadOnlySpan<byte> bytes = message.Message.Span;
        Add(RelayFrame.Device(bytes), bytes[RelayFrame.HeaderBytes..], RelayFrame.SegmentSize(bytes));
        return false;
    }

    /// <summary>Takes the oldest message out; it is the caller's then.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryTake([MaybeNullWhen(false)] out RelayBuffer message)
    {
        message = default;
        if (Count == 0)
        {
            return false;
        }
        message = _ring[_first];
        _ring[_first] = default;
        _first = (_first + 1) % _ring.Length;
        Count--;
        Bytes -= message.Array.Length;
        if (Count == 0 && _ring.Length > KeptPlaces)
        {
            (_ring, _first) = ([], 0);
        }
        return true;
    }

    private bool TryJoin(UInt128 device, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (Count == 0)
        {
            return false;
        }
        ref RelayBuffer last = ref _ring[(_first + Count - 1) % _ring.Length];
        int length = last.Length + datagrams.Length;
        // Behind a shorter one nothing can follow.
        if (length > RelayFrame.MaxBytes || RelayFrame.SegmentSize(last.Array) != segmentSize || last.DatagramBytes % segmentSize != 0 || RelayFrame.Device(last.Array) != device)
        {
            return false;
        }
        if (length > last.Array.Length)
        {
            byte[] larger = Rent(length);
            last.Message.Span.CopyTo(larger);
            Bytes += larger.Length - last.Array.Length;
            last.Return();
            last = new RelayBuffer(larger, last.Length);
        }
        datagrams.CopyTo(last.Array.AsSpan(last.Length));
        last = last with { Length = length };
        return true;
    }

    private void Append(in RelayBuffer message)
    {
        if (Count == _ring.Length)
        {
            RelayBuffer[] larger = new RelayBuffer[Math.Max(8, _ring.Length * 2)];
            for (int i = 0; i < Count; i++)
            {
                larger[i] = _ring[(_first + i) % _ring.Length];
            }
            (_ring, _first) = (larger, 0);
        }
        _ring[(_first + Count) % _ring.Length] = message;
        Count++;
        Bytes += message.Array.Length;
    }

    private static byte[] Rent(int length) => ArrayPool<byte>.Shared.Rent(Math.Max(length, LeastArray));
}
