using System.Buffers.Binary;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Protocol.Ssh;

// The data of the channel and its windows (RFC 4254 section 5.2): the way of every datagram.
public sealed partial class SshConnection
{
    // Datagrams are handed on or dropped at once, so the window limits nothing; TCP slows a sender down.
    private const uint Window = 64 * 1024 * 1024;

    // Early enough for any path, and a sign of life to a sender whose datagrams go one way.
    private const uint AdjustBytes = 1024 * 1024;
    private static readonly TimeSpan AdjustAfter = TimeSpan.FromSeconds(1);

    private uint _remoteMaxData, _toAdjust;
    private long _sendWindow, _receiveWindow = Window, _adjustAt;

    /// <summary>Takes window for channel data. The writing thread, which then calls <see cref="SealData"/>.</summary>
    /// <param name="dataLength">1 to <see cref="SshPacket.MaxData"/> bytes.</param>
    /// <returns>False when nothing may be sent now: no channel, no window, or a key exchange.</returns>
    public bool TryReserve(int dataLength)
    {
        lock (_state)
        {
            if (!IsOpen || IsHoldingBack || _exchangeOut.Count > 0 || dataLength > _sendWindow || dataLength > _remoteMaxData)
            {
                return false;
            }
            _sendWindow -= dataLength;
            _bytesOut += dataLength;
            return true;
        }
    }

    /// <summary>True when the other side takes so much in one message. Any thread.</summary>
    /// <param name="dataLength">Bytes of channel data.</param>
    public bool Fits(int dataLength) => dataLength <= _remoteMaxData;

    /// <summary>Makes the packet around channel data that stands in its place. The writing thread, after <see cref="TryReserve"/>.</summary>
    /// <param name="buffer">The data at <see cref="SshPacket.DataOffset"/>; <see cref="SshPacket.BufferBytes"/> long.</param>
    /// <param name="dataLength">Bytes of the data.</param>
    /// <param name="now">Current timestamp.</param>
    /// <returns>Bytes of the packet, from the beginning of the buffer.</returns>
    public int SealData(Span<byte> buffer, int dataLength, long now)
    {
        int payloadLength = SshPacket.DataOffset - SshPacket.PrefixBytes + dataLength;
        int size = _sealer.SizeOf(payloadLength);
        buffer[SshPacket.PrefixBytes] = SshMessage.ChannelData;
        BinaryPrimitives.WriteUInt32BigEndian(buffer[(SshPacket.PrefixBytes + 1)..], _remoteChannel);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[(SshPacket.PrefixBytes + 5)..], (uint)dataLength);
        _sealer.Seal(buffer[..size], payloadLength);
        if (_bytesOut >= _options.RekeyBytes)
        {
            lock (_state)
            {
                BeginRekey(now);
            }
        }
        return size;
    }

    private SshEvent TakeData(ReadOnlySpan<byte> payload, long now, out int dataLength)
    {
        const int Header = SshPacket.DataOffset - SshPacket.PrefixBytes;
        dataLength = payload.Length - Header;
        if (dataLength < 0 || BinaryPrimitives.ReadUInt32BigEndian(payload[1..]) != LocalChannel || BinaryPrimitives.ReadUInt32BigEndian(payload[5..]) != (uint)dataLength)
        {
            dataLength = 0;
            return Fail(SshDisconnectReason.ProtocolError, "channel data has no sound length");
        }
        if (dataLength > SshPacket.MaxData || _remoteEnded || !TakeWindow((uint)dataLength, now))
        {
            dataLength = 0;
            return Fail(SshDisconnectReason.ProtocolError, "channel data goes beyond the window, or comes after its end");
        }
        return SshEvent.Data;
    }

    private bool TakeWindow(uint length, long now)
    {
        _receiveWindow -= length;
        if (_toAdjust == 0)
        {
            _adjustAt = _options.Time.After(now, AdjustAfter);
        }
        _toAdjust += length;
        return _receiveWindow >= 0;
    }

    private SshEvent TakeAdjust(SshReader reader)
    {
        uint more = reader.UInt32();
        _sendWindow += more;
        return reader.IsBad || _sendWindow > uint.MaxValue ? Fail(SshDisconnectReason.ProtocolError, "a window grows beyond its bounds") : SshEvent.Handled;
    }

    private bool IsAdjustDue(long now) => _toAdjust >= AdjustBytes || (_toAdjust > 0 && now >= _adjustAt);

    private void WriteAdjust(Span<byte> destination, ref int written, long now)
    {
        if (!_closeSent && IsAdjustDue(now))
        {
            Span<byte> adjust = stackalloc byte[9];
            adjust[0] = SshMessage.ChannelWindowAdjust;
            BinaryPrimitives.WriteUInt32BigEndian(adjust[1..], _remoteChannel);
            BinaryPrimitives.WriteUInt32BigEndian(adjust[5..], _toAdjust);
            if (TryPack(adjust, destination, ref written))
            {
                _receiveWindow += _toAdjust;
                _toAdjust = 0;
            }
        }
    }
}
