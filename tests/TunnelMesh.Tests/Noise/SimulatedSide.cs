using System.Buffers.Binary;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Tests.Noise;

/// <summary>One end of a simulated tunnel: a device with one peer, driven as the engine drives it, which notes what it must never do.</summary>
internal sealed class SimulatedSide(SimulatedChannel channel, int number, byte[] key) : ITai64nStore
{
    private static readonly byte[] Source = [192, 0, 2, 1];
    private readonly Queue<ulong> _waiting = new();
    private readonly HashSet<(TransportKeypair, ulong)> _nonces = [];
    private readonly byte[] _buffer = new byte[256];
    private ulong _nextId;
    private long _lastSentLabel;

    public OffsetTime Time { get; } = new(channel.Time);
    public LocalStatic Local { get; } = new(key);
    public WireGuardDevice Device { get; private set; } = null!;
    public WireGuardPeer Peer { get; private set; } = null!;
    public HashSet<ulong> Sent { get; } = [];
    public HashSet<ulong> Received { get; } = [];
    public Dictionary<OpenResult, int> Opened { get; } = [];
    public HashSet<TransportKeypair> Sessions { get; } = [];
    public TimeSpan OldestSealed { get; private set; }
    public int Initiations { get; private set; }
    public List<long> GiveUps { get; } = [];
    public long LastReceivedAt { get; private set; }

    /// <summary>Packets that wait for a session; the oldest go first.</summary>
    public int MaxWaiting { get; init; } = 16;

    public long NextDeadline => Math.Max(Device.NextDeadline(Peer), channel.Now + 10_000);

    /// <summary>Starts, or starts anew with nothing left but the key and the last TAI64N.</summary>
    public void Start(ReadOnlySpan<byte> remotePublic)
    {
        Device = new WireGuardDevice(Local, Time, channel.Fill, this);
        Peer = Device.AddPeer(remotePublic, [], null);
        _waiting.Clear();
    }

    public long Load() => _lastSentLabel;

    public void Save(long unixTicks) => _lastSentLabel = unixTicks;

    /// <summary>A packet from inside.</summary>
    public void SendData()
    {
        ulong id = _nextId++ * 2 + (ulong)number;
        Sent.Add(id);
        if (Peer.SendKeypair is { } keys && keys.IsAlive(channel.Now))
        {
            Seal(keys, id);
            return;
        }
        if (_waiting.Count == MaxWaiting)
        {
            _waiting.Dequeue();
        }
        _waiting.Enqueue(id);
        Initiate();
    }

    public void RunTimers()
    {
        PeerTimerActions actions = Device.RunTimers(Peer);
        if (actions.HasFlag(PeerTimerActions.SendKeepalive) && Peer.SendKeypair is { } keys)
        {
            Seal(keys, null);
        }
        if (actions.HasFlag(PeerTimerActions.GiveUp))
        {
            GiveUps.Add(channel.Now);
            _waiting.Clear();
        }
        if (actions.HasFlag(PeerTimerActions.SendInitiation))
        {
            Initiate();
        }
    }

    public void Receive(byte[] datagram)
    {
        switch (WireGuardMessage.TypeOf(datagram))
        {
            case WireGuardMessage.Transport:
                ReceiveTransport(datagram);
                break;
            case 0:
                break;
            default:
                HandshakeResult result = Device.HandleHandshake(datagram, Source, underLoad: false, _buffer, out int length, out _);
                if (length > 0)
                {
                    channel.Send(number, _buffer.AsSpan(0, length));
                }
                if (result == HandshakeResult.SessionEstablished)
                {
                    Flush();
                    RunTimers();
                }
                break;
        }
    }

    private void ReceiveTransport(byte[] datagram)
    {
        if (!Device.TryFindKeypair(BinaryPrimitives.ReadUInt32LittleEndian(datagram.AsSpan(4)), out TransportKeypair? keys, out WireGuardPeer? peer))
        {
            return;
        }
        OpenResult result = keys.Open(datagram, channel.Now, out int length);
        Opened[result] = Opened.GetValueOrDefault(result) + 1;
        if (result != OpenResult.Opened)
        {
            return;
        }
        Assert.True(channel.Time.GetElapsedTime(keys.CreatedAt) < HandshakeClock.RejectAfter);
        TransportKeypair? before = peer.SendKeypair;
        peer.NoteReceived(keys, channel.Now, length > 0);
        if (length > 0)
        {
            ulong id = BinaryPrimitives.ReadUInt64LittleEndian(datagram.AsSpan(16));
            Assert.True(channel.Other(number).Sent.Contains(id), "a packet came in that was never sent");
            Assert.True(Received.Add(id), "a packet came in twice");
            LastReceivedAt = channel.Now;
        }
        if (!ReferenceEquals(before, peer.SendKeypair))
        {
            Flush();
        }
    }

    private void Flush()
    {
        while (Peer.SendKeypair is { } keys && _waiting.TryDequeue(out ulong id))
        {
            Seal(keys, id);
        }
    }

    public bool Initiate()
    {
        byte[] initiation = new byte[WireGuardMessage.InitiationSize];
        if (!Device.TryBeginHandshake(Peer, initiation))
        {
            return false;
        }
        Initiations++;
        channel.Send(number, initiation);
        return true;
    }

    private void Seal(TransportKeypair keys, ulong? id)
    {
        Span<byte> buffer = stackalloc byte[64];
        BinaryPrimitives.WriteUInt64LittleEndian(buffer[16..], id ?? 0);
        int length = id is null ? 0 : sizeof(ulong);
        int size = keys.Seal(buffer, length, WireGuardMessage.Padded(length, 1420), channel.Now);
        if (size == 0)
        {
            return;
        }
        TimeSpan age = channel.Time.GetElapsedTime(keys.CreatedAt);
        Assert.True(age < HandshakeClock.RejectAfter, "a session past 180 s was used to send");
        OldestSealed = age > OldestSealed ? age : OldestSealed;
        Sessions.Add(keys);
        Assert.True(_nonces.Add((keys, BinaryPrimitives.ReadUInt64LittleEndian(buffer[8..]))), "a nonce was used twice under one key");
        channel.Send(number, buffer[..size]);
        Peer.NoteSent(channel.Now, id is not null);
    }
}
