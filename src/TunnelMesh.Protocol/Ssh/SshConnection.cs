using System.Security.Cryptography;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Protocol.Ssh;

/// <summary>
/// One SSH-2 connection (RFC 4251 to 4254) in either role, with one channel of datagrams. Pure: bytes come and go by its methods, timestamps are
/// <see cref="TimeProvider.GetTimestamp"/> values. One thread reads and one writes, and they may be two; everything else is any thread's. In steady
/// state nothing is allocated. What the other side does wrong ends the connection and never throws.
/// </summary>
/// <remarks>
/// A connection opens in stages: identification, key exchange (the server proves its host key), <see cref="Authenticate"/>, user authentication by
/// public key, and the opening of the channel. The server answers nothing about a key that may not log in but what every stranger is told.
/// </remarks>
public sealed partial class SshConnection : IDisposable
{
    // Until the other side is known; a handshake takes some 2 KB and ten messages.
    private const int MaxStrangerBytes = 128 * 1024, MaxStrangerMessages = 128;

    // Answers that the other side asked for and does not read.
    private const int MaxWaitingControl = 128;

    private static readonly TimeSpan ExchangeLimit = TimeSpan.FromSeconds(30);

    private readonly Lock _state = new();
    private readonly SshOptions _options;
    private readonly SshOpener _opener = new();
    private readonly SshSealer _sealer = new();
    private readonly Queue<SshOutgoing> _exchangeOut = new();
    private readonly Queue<byte[]> _controlOut = new();
    private readonly long _handshakeDeadline;
    private byte[]? _identificationOut;
    private byte[]? _lastWord;
    private byte[]? _theirIdentification;
    private int _otherLines, _strangerBytes, _strangerMessages;
    private bool _authenticated;

    /// <summary>Begins a connection; the identification and the first KEXINIT are to be written at once.</summary>
    /// <param name="options">Role, keys and limits.</param>
    /// <param name="now">Current timestamp.</param>
    public SshConnection(SshOptions options, long now)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        IsClient = options is SshClientOptions;
        _handshakeDeadline = options.Time.After(now, options.HandshakeLimit);
        _heardAt = now;
        _identificationOut = SshIdentification.Line;
        BeginExchange(now);
    }

    /// <summary>Our role.</summary>
    public bool IsClient { get; }

    /// <summary>True once datagrams may be sent, until one side ended.</summary>
    public bool IsOpen { get; private set; }

    /// <summary>Server: who has logged in; 0 before.</summary>
    public UInt128 RemoteDevice { get; private set; }

    /// <summary>Why it is over; null while it is not.</summary>
    public SshFailure? Failure { get; private set; }

    /// <summary>Takes one step in the bytes that have arrived; packets are opened in place. The reading thread.</summary>
    /// <param name="bytes">From the first byte that is not consumed; stays the caller's.</param>
    /// <param name="now">Current timestamp.</param>
    public SshStep Read(Span<byte> bytes, long now)
    {
        if (Failure is not null)
        {
            return new(SshEvent.Closed, bytes.Length);
        }
        if (_theirIdentification is null)
        {
            return ReadIdentification(bytes);
        }
        SshDisconnectReason wrong = _opener.TryTake(bytes, out int size, out int payloadLength);
        if (wrong != SshDisconnectReason.None)
        {
            lock (_state)
            {
                Fail(wrong, wrong == SshDisconnectReason.MacError ? "a packet was forged or damaged" : "a packet has no sound length");
            }
            return new(SshEvent.Closed, bytes.Length);
        }
        if (size == 0)
        {
            return new(SshEvent.NeedMore, 0);
        }
        Span<byte> payload = bytes.Slice(SshPacket.PrefixBytes, payloadLength);
        lock (_state)
        {
            _heardAt = now;
            _bytesIn += size;
            if (!IsOpen && !_wasOpen && ((_strangerBytes += size) > MaxStrangerBytes || ++_strangerMessages > MaxStrangerMessages))
            {
                return new(Fail(SshDisconnectReason.ProtocolError, "too many messages before the channel was open"), size);
            }
            int dataLength = 0;
            SshEvent brought = payload[0] == SshMessage.ChannelData && IsChannelAllowed ? TakeData(payload, now, out dataLength) : Handle(payload, now);
            if (_controlOut.Count > MaxWaitingControl && Failure is null)
            {
                brought = Fail(SshDisconnectReason.ProtocolError, "the other side asks and does not read the answers");
            }
            if (_bytesIn >= _options.RekeyBytes)
            {
                BeginRekey(now);
            }
            return new(brought, size, SshPacket.DataOffset, dataLength);
        }
    }

    /// <summary>True when <see cref="WriteControl"/> has something to write. Any thread.</summary>
    public bool HasControl
    {
        get
        {
            lock (_state)
            {
                return _identificationOut is not null || _exchangeOut.Count > 0 || _lastWord is not null || (!IsHoldingBack && HasChannelControl);
            }
        }
    }

    /// <summary>Makes packets of the messages that wait, as many as find room. The writing thread; the bytes must go out in the order they are made.</summary>
    /// <param name="destination">At least <see cref="SshPacket.MaxStrangerLength"/> and 64 bytes, so 36,864.</param>
    /// <param name="now">Current timestamp.</param>
    /// <returns>Bytes to be sent.</returns>
    public int WriteControl(Span<byte> destination, long now)
    {
        int written = 0;
        lock (_state)
        {
            if (_identificationOut is { } line)
            {
                line.CopyTo(destination);
                written = line.Length;
                _identificationOut = null;
            }
            while (_exchangeOut.TryPeek(out SshOutgoing outgoing) && TryPack(outgoing.Payload, destination, ref written))
            {
                _exchangeOut.Dequeue();
                if (outgoing.KeysAfter is { } keys)
                {
                    _sealer.SetKeys(keys);
                }
            }
            bool free = !IsHoldingBack && _exchangeOut.Count == 0;
            if (free && Failure is null)
            {
                WriteChannelControl(destination, ref written, now);
            }
            else if (free)
            {
                // Answers that were due before the end, such as why somebody is not let in.
                WriteWaiting(destination, ref written);
            }
            if (_lastWord is { } last && _exchangeOut.Count == 0 && (!free || _controlOut.Count == 0) && TryPack(last, destination, ref written))
            {
                _lastWord = null;
                _controlOut.Clear();
            }
        }
        return written;
    }

    /// <summary>Looks at the deadlines, and begins a key exchange when it is time. Any thread, about once a second.</summary>
    /// <param name="now">Current timestamp.</param>
    public void Tick(long now)
    {
        lock (_state)
        {
            if (Failure is not null)
            {
                return;
            }
            if (!_wasOpen && now >= _handshakeDeadline)
            {
                Fail(SshDisconnectReason.ConnectionLost, "the channel was not open in time");
            }
            else if (_exchangeBegan is { } began && now >= _options.Time.After(began, ExchangeLimit))
            {
                Fail(SshDisconnectReason.ConnectionLost, "the key exchange did not end in time");
            }
            else if (now >= _rekeyAt)
            {
                BeginRekey(now);
            }
        }
    }

    /// <summary>Ends the connection; the other side is told when <see cref="WriteControl"/> is called once more. Any thread; does nothing when it is over.</summary>
    /// <param name="reason">Told to the other side.</param>
    /// <param name="text">Told to the other side; plain ASCII.</param>
    public void Disconnect(SshDisconnectReason reason, string text)
    {
        lock (_state)
        {
            Fail(reason, text);
        }
    }

    /// <summary>Forgets the keys; neither thread may be inside.</summary>
    public void Dispose()
    {
        _opener.Dispose();
        _sealer.Dispose();
        _exchange?.Dispose();
        _nextIn?.Dispose();
        foreach (SshOutgoing outgoing in _exchangeOut)
        {
            outgoing.KeysAfter?.Dispose();
        }
        CryptographicOperations.ZeroMemory(_sessionId);
    }

    private SshStep ReadIdentification(ReadOnlySpan<byte> bytes)
    {
        if (!SshIdentification.TryTakeLine(bytes, out int consumed, out ReadOnlySpan<byte> line))
        {
            bool hopeless = bytes.Length >= SshIdentification.MaxLine || (!IsClient && !SshIdentification.MayBeIdentification(bytes));
            return hopeless ? NoSsh(bytes.Length) : new(SshEvent.NeedMore, 0);
        }
        if (SshIdentification.IsVersion2(line))
        {
            _theirIdentification = line.ToArray();
            return new(SshEvent.Handled, consumed);
        }
        // Only a server may say other things first.
        return !IsClient || SshIdentification.MayBeIdentification(line) || ++_otherLines > SshIdentification.MaxOtherLines
            ? NoSsh(bytes.Length)
            : new(SshEvent.Handled, consumed);
    }

    // Who does not speak SSH is not answered in it.
    private SshStep NoSsh(int consumed)
    {
        lock (_state)
        {
            Fail(SshDisconnectReason.ProtocolVersionNotSupported, "the other side does not speak SSH-2");
            _lastWord = null;
        }
        return new(SshEvent.Closed, consumed);
    }

    private SshEvent Handle(ReadOnlySpan<byte> payload, long now)
    {
        byte message = payload[0];
        if (message == SshMessage.Disconnect)
        {
            return TakeDisconnect(payload);
        }
        if (_isFirstExchange || message is >= SshMessage.KexInit and < SshMessage.UserAuthRequest)
        {
            return HandleExchange(message, payload, now);
        }
        if (_theirInit is not null && message > SshMessage.Debug)
        {
            return Fail(SshDisconnectReason.ProtocolError, "a message came inside a key exchange");
        }
        return message switch
        {
            SshMessage.Ignore or SshMessage.Unimplemented or SshMessage.Debug => SshEvent.Handled,
            SshMessage.ServiceRequest or SshMessage.ServiceAccept or (>= SshMessage.UserAuthRequest and < SshMessage.GlobalRequest) => HandleAuthentication(message, payload),
            >= SshMessage.GlobalRequest when !_authenticated => Fail(SshDisconnectReason.ProtocolError, "a message came before authentication"),
            _ => HandleChannel(message, payload),
        };
    }

    private SshEvent TakeDisconnect(ReadOnlySpan<byte> payload)
    {
        SshReader reader = new(payload[1..]);
        uint reason = reader.UInt32();
        bool expected = reason == (uint)SshDisconnectReason.ByApplication;
        Fail(expected ? SshDisconnectReason.ByApplication : SshDisconnectReason.ConnectionLost, $"the other side ended the connection (reason {reason})");
        _lastWord = null;
        _controlOut.Clear();
        return SshEvent.Closed;
    }

    private SshEvent Unimplemented()
    {
        _controlOut.Enqueue(new SshWriter(SshMessage.Unimplemented).UInt32(_opener.Sequence - 1).ToArray());
        return SshEvent.Handled;
    }

    private SshEvent Fail(SshDisconnectReason reason, string text)
    {
        if (Failure is null)
        {
            Failure = new SshFailure(reason, text);
            IsOpen = false;
            _lastWord = new SshWriter(SshMessage.Disconnect).UInt32((uint)reason).String(text).String("").ToArray();
        }
        return SshEvent.Closed;
    }

    private bool TryPack(ReadOnlySpan<byte> payload, Span<byte> destination, ref int written)
    {
        int size = _sealer.SizeOf(payload.Length);
        if (size > destination.Length - written)
        {
            return false;
        }
        Span<byte> packet = destination.Slice(written, size);
        payload.CopyTo(packet[SshPacket.PrefixBytes..]);
        _sealer.Seal(packet, payload.Length);
        written += size;
        return true;
    }
}
