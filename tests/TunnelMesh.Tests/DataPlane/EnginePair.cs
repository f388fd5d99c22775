using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Tests.Packets;

namespace TunnelMesh.Tests.DataPlane;

/// <summary>Two engines on virtual time, a wire of constant latency between them, and a hand in it.</summary>
internal sealed class EnginePair
{
    public static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(20);
    private readonly PriorityQueue<Action, (long At, int Order)> _wire = new();
    private int _order;

    public EnginePair(Func<PeerSpec, PeerSpec>? left = null, Func<PeerSpec, PeerSpec>? right = null)
    {
        Left = new End(this, "left", 1);
        Right = new End(this, "right", 2);
        Left.Specs = [(left ?? Same)(Right.Spec)];
        Right.Specs = [(right ?? Same)(Left.Spec)];
        Left.Engine.SetPeers(Left.Specs);
        Right.Engine.SetPeers(Right.Specs);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public End Left { get; }

    public End Right { get; }

    /// <summary>Lets time pass: datagrams arrive, timers run at their deadlines.</summary>
    public void Run(TimeSpan span)
    {
        long end = Time.GetTimestamp() + span.Ticks;
        while (true)
        {
            long wire = _wire.TryPeek(out _, out (long At, int) due) ? due.At : long.MaxValue;
            long next = Math.Min(wire, Math.Min(Left.Engine.NextDeadline, Right.Engine.NextDeadline));
            if (next > end)
            {
                Time.Advance(TimeSpan.FromTicks(end - Time.GetTimestamp()));
                return;
            }

            Time.Advance(TimeSpan.FromTicks(Math.Max(0, next - Time.GetTimestamp())));
            if (wire == next)
            {
                _wire.Dequeue()();
            }

            Left.RunTimersIfDue();
            Right.RunTimersIfDue();
        }
    }

    private static PeerSpec Same(PeerSpec spec) => spec;

    private void Send(End from, byte[] datagram, UdpEndpoint destination)
    {
        UdpEndpoint source = from.Address;
        _wire.Enqueue(
            () =>
            {
                End? to = destination == Left.Address ? Left : destination == Right.Address ? Right : null;
                to?.Engine.HandleDatagram(datagram, source);
            },
            (Time.GetTimestamp() + (Latency + from.ExtraLatency).Ticks, _order++));
    }

    /// <summary>One of the two: an engine, its address, its TUN.</summary>
    internal sealed class End : ITunnelOutput
    {
        private readonly EnginePair _pair;
        private readonly string _inside;

        public End(EnginePair pair, string id, int number)
        {
            _pair = pair;
            _inside = $"10.42.0.{number}";
            Address = UdpEndpoint.From(new IPEndPoint(IPAddress.Parse($"192.0.2.{number}"), 2223));
            byte[] key = RandomNumberGenerator.GetBytes(32);
            var local = new LocalStatic(key);
            Engine = new TunnelEngine(
                new TunnelEngineOptions { Key = local, Time = pair.Time, Addresses = [new TunAddress(IPAddress.Parse(_inside), 16)] }, this);
            Spec = new PeerSpec
            {
                DeviceId = id,
                PublicKey = local.PublicKey.ToArray(),
                AllowedPrefixes = [IPNetwork.Parse(_inside + "/32")],
                Candidates = [Address.ToIPEndPoint()],
            };
        }

        public TunnelEngine Engine { get; }

        /// <summary>How the other one sees this one.</summary>
        public PeerSpec Spec { get; }

        public PeerSpec[] Specs { get; set; } = [];

        public UdpEndpoint Address { get; set; }

        public TimeSpan ExtraLatency { get; set; }

        /// <summary>Numbers of the packets that came in.</summary>
        public List<int> Got { get; } = [];

        public int Datagrams { get; private set; }

        public int TimerRuns { get; private set; }

        /// <summary>Sends a numbered packet to the other one.</summary>
        public void Send(int number)
        {
            byte[] payload = new byte[16];
            BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(8), number);
            byte[] packet = PacketBytes.V4(_inside, _inside == "10.42.0.1" ? "10.42.0.2" : "10.42.0.1", 17, payload);
            Engine.HandlePacket(packet);
        }

        public void RunTimersIfDue()
        {
            if (_pair.Time.GetTimestamp() >= Engine.NextDeadline)
            {
                TimerRuns++;
                Engine.RunTimers();
            }
        }

        public bool SendDatagram(ReadOnlySpan<byte> datagram, in PathAddress destination)
        {
            Datagrams++;
            _pair.Send(this, datagram.ToArray(), destination.Endpoint);
            return true;
        }

        public bool WritePacket(ReadOnlySpan<byte> packet)
        {
            if (packet[9] == 17)
            {
                Got.Add(BinaryPrimitives.ReadInt32BigEndian(packet[28..]));
            }

            return true;
        }
    }
}
