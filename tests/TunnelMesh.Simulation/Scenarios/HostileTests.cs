using System.Buffers.Binary;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Simulation.Network;
using TunnelMesh.Simulation.Peers;

namespace TunnelMesh.Simulation.Scenarios;

/// <summary>Those who send what they should not.</summary>
public sealed class HostileTests
{
    // Datagrams that one address nobody has answered from may be sent in a second.
    private const int PerAddress = 50;

    // Initiations of one address that wait for the map.
    private const int HeldPerAddress = 4;

    [Fact]
    public void Under_random_and_mutated_datagrams_no_honest_packet_is_lost() => Seeds.Each(10, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        mesh.Connect();
        var seen = new Queue<byte[]>();
        mesh.Network.Sent += d =>
        {
            seen.Enqueue(d.Bytes);
            if (seen.Count > 50)
            {
                seen.Dequeue();
            }
        };
        Random chance = mesh.World.Chance;
        mesh.Repeat(400, TimeSpan.FromSeconds(1), i => mesh.A.Ping(mesh.B, i));
        mesh.Repeat(8000, TimeSpan.FromMilliseconds(50), _ =>
        {
            foreach (SimulatedPeer peer in mesh.Peers)
            {
                byte[] hostile = Hostile(chance, seen);
                peer.Inject(hostile, new(0, 0xffff_0000_0000UL | (uint)chance.Next(), (ushort)chance.Next(1, 65536), 0));
            }
        });
        mesh.Run(402);
        Assert.Equal(Enumerable.Range(0, 400), mesh.A.Pongs);
        Assert.All(mesh.Peers, p => Assert.True(p.Drops > 1000));
    });

    [Fact]
    public void A_flood_of_handshakes_makes_cookies_and_an_honest_peer_still_gets_in() => Seeds.Each(3, seed =>
    {
        var mesh = new SimulatedMesh(seed, adjust: (_, o) => o with { HandshakesPerSecondBeforeCookies = 20 });

        // A stranger with keys of its own knows B's public key, so its MACs are right, from a thousand addresses.
        byte[] key = new byte[32];
        mesh.World.Chance.NextBytes(key);
        using var stranger = new LocalStatic(key);
        var device = new WireGuardDevice(stranger, mesh.A.Host.Clock, mesh.World.Chance.NextBytes, null);
        WireGuardPeer toB = device.AddPeer(mesh.B.Key.PublicKey.Span, [], null);
        byte[] initiation = new byte[WireGuardMessage.InitiationSize];
        Assert.True(device.TryBeginHandshake(toB, initiation));
        mesh.Repeat(10_000, TimeSpan.FromMilliseconds(2), i => mesh.B.Inject(initiation, NetAddress.Parse($"203.0.{i % 4}.{i % 250}").At(7)));
        mesh.Run(2);
        mesh.Repeat(10, TimeSpan.FromSeconds(1), i => mesh.A.Ping(mesh.B, i));

        // The first initiation earns a cookie, the next one, five seconds later, carries it.
        Assert.InRange(mesh.RunUntil(() => mesh.A.Pongs.Count > 0, 15), 5, 6);
        mesh.Run(6);
        Assert.Equal(Enumerable.Range(0, 10), mesh.A.Pongs);
        Assert.True(mesh.B.Engine.HandshakeCounters[HandshakeResult.CookieSent] > 1000);
        Assert.True(mesh.A.Engine.HandshakeCounters[HandshakeResult.CookieStored] > 0);
    });

    [Fact]
    public void A_device_that_the_map_does_not_have_yet_is_answered_once_it_does_whatever_one_address_sends_meanwhile() => Seeds.Each(5, seed =>
    {
        const int flood = 200;
        var mesh = new SimulatedMesh(seed, adjust: (_, o) => o with { HandshakesPerSecondBeforeCookies = 10_000 });
        UdpEndpoint at = NetAddress.Parse("203.0.113.1").At(7);
        int answers = 0;
        mesh.Network.Sent += d => answers += d.Destination == at && WireGuardMessage.TypeOf(d.Bytes) == WireGuardMessage.Response ? 1 : 0;
        (PeerSpec newcomer, byte[] initiation) = Newcomer(mesh, 100);

        // Once: whoever repeats its own is let in by that.
        mesh.B.Inject(initiation, at);
        for (int i = 0; i < flood; i++)
        {
            mesh.B.Inject(Newcomer(mesh, 101 + i).Initiation, NetAddress.Parse("203.0.113.2").At((ushort)(1000 + i)));
        }

        mesh.Run(1);
        Assert.Equal((0, flood - HeldPerAddress), (answers, mesh.B.Engine.Counters[DropReason.TooManyStrangers]));
        mesh.B.SetPeers(mesh.A.Spec, newcomer);
        Assert.Equal(1, answers);
    });

    [Fact]
    public void A_device_that_the_map_never_has_is_not_held_for_ever_however_often_the_map_changes() => Seeds.Each(5, seed =>
    {
        var mesh = new SimulatedMesh(seed);
        (PeerSpec newcomer, byte[] initiation) = Newcomer(mesh, 100);
        long before = mesh.B.Engine.HandshakeCounters[HandshakeResult.UnknownPeer];
        mesh.B.Inject(initiation, NetAddress.Parse("203.0.113.1").At(7));
        for (int i = 0; i < 10; i++)
        {
            mesh.Run(1);
            mesh.B.SetPeers(mesh.A.Spec, Newcomer(mesh, 200 + i).Spec);
        }

        // When it came, and with the two changes within three seconds.
        Assert.Equal(3, mesh.B.Engine.HandshakeCounters[HandshakeResult.UnknownPeer] - before);
        mesh.B.SetPeers(mesh.A.Spec, newcomer);
        Assert.Equal(0, mesh.B.Engine.HandshakeCounters[HandshakeResult.Responded]);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Members_that_claim_to_be_at_a_strangers_address_make_nobody_flood_it_and_keep_no_honest_one_waiting(bool forgeSources) => Seeds.Each(3, seed =>
    {
        var mesh = new SimulatedMesh(seed, 22);
        mesh.Connect();
        (SimulatedPeer self, SimulatedPeer honest, SimulatedPeer late) = (mesh.A, mesh.B, mesh.Peers[21]);
        SimulatedPeer[] liars = [.. mesh.Peers.Skip(2).Take(19)];
        NetAddress stranger = NetAddress.Parse("203.0.113.7");

        // In the map and, every second, in a meeting: sixteen ports each, no two the same.
        System.Net.IPEndPoint[] Claims(SimulatedPeer liar) => [.. Enumerable.Range(0, 16).Select(i => stranger.At((ushort)((100 * liar.Number) + i)).ToIPEndPoint())];
        self.SetPeers([.. mesh.Peers.Where(p => p != self && p != late).Select(p => liars.Contains(p) ? p.Spec with { Candidates = [.. p.Spec.Candidates, .. Claims(p)] } : p.Spec)]);
        Dictionary<int, int> perSecond = [];
        (int Count, int Bytes) sent = (0, 0), forged = (0, 0);
        mesh.Network.Sent += d =>
        {
            if (NetAddress.Of(d.Destination) == stranger)
            {
                int second = (int)mesh.World.Now.TotalSeconds;
                perSecond[second] = perSecond.GetValueOrDefault(second) + 1;
                sent = (sent.Count + 1, sent.Bytes + d.Bytes.Length);
            }
        };
        if (forgeSources)
        {
            // What they send comes as if from there, now and then.
            mesh.Network.Censor = d =>
            {
                SimulatedPeer? liar = liars.FirstOrDefault(p => p.Host.Addresses.Contains(NetAddress.Of(d.Source)));
                if (liar is null || !self.Host.Addresses.Contains(NetAddress.Of(d.Destination)) || !mesh.World.Happens(0.3))
                {
                    return false;
                }

                forged = (forged.Count + 1, forged.Bytes + d.Bytes.Length);
                ushort port = (ushort)mesh.World.Chance.Next(1, 65536);
                mesh.World.After(TimeSpan.FromMilliseconds(10), () => self.Inject(d.Bytes, stranger.At(port)));
                return true;
            };
        }

        mesh.Repeat(60, TimeSpan.FromSeconds(1), i =>
        {
            foreach (SimulatedPeer liar in liars)
            {
                self.Ping(liar, i);
                self.NoteMeeting(liar.Spec.DeviceId, Claims(liar));
            }
        });
        mesh.Repeat(600, TimeSpan.FromMilliseconds(100), i => self.Ping(honest, 10_000 + i));

        // One more comes while that goes on.
        mesh.Run(30);
        self.SetPeers([.. self.Peers, late.Spec]);
        self.Ping(late, 50_000);
        mesh.Run(0.3);
        Assert.Contains(50_000, self.Pongs);
        mesh.Run(31);
        Assert.Equal(Enumerable.Range(10_000, 600), self.Pongs.Where(p => p is >= 10_000 and < 50_000));

        // Beside that an answer goes where a question came from, one for one and no longer.
        const int Allowed = 63 * PerAddress;
        Assert.InRange(sent.Count, 1, Allowed + forged.Count);
        Assert.InRange(sent.Bytes, 1, (Allowed * WireGuardMessage.InitiationSize) + forged.Bytes);
        Assert.Equal(forgeSources, forged.Count > 1000);
        if (!forgeSources)
        {
            Assert.InRange(perSecond.Values.Max(), 1, 2 * PerAddress);
        }
    });

    [Fact]
    public void Devices_of_different_MTU_probe_each_other() => Seeds.Each(5, seed =>
    {
        // Neither 1300 nor 1001 is a multiple of 16: an echo must fit where its probe stood.
        int[] sizes = [1300, 1400, 1001, 1420, 1280];
        int first = sizes[seed % 5], second = sizes[(seed + 2) % 5];
        var mesh = new SimulatedMesh(seed, adjust: (n, o) => o with { Mtu = n == 1 ? first : second });
        mesh.Connect();
        Assert.NotNull(mesh.A.StatsOf(mesh.B).RttMs);
        Assert.NotNull(mesh.B.StatsOf(mesh.A).RttMs);
    });

    // A device that B is not told of, and its first word to B.
    private static (PeerSpec Spec, byte[] Initiation) Newcomer(SimulatedMesh mesh, int number)
    {
        byte[] key = new byte[32];
        mesh.World.Chance.NextBytes(key);
        using var local = new LocalStatic(key);
        var device = new WireGuardDevice(local, mesh.B.Host.Clock, mesh.World.Chance.NextBytes, null);
        byte[] initiation = new byte[WireGuardMessage.InitiationSize];
        Assert.True(device.TryBeginHandshake(device.AddPeer(mesh.B.Key.PublicKey.Span, [], null), initiation));
        PeerSpec spec = new() { DeviceId = ((UInt128)number).ToString("x32", System.Globalization.CultureInfo.InvariantCulture), PublicKey = local.PublicKey.ToArray(), AllowedPrefixes = [], Candidates = [] };
        return (spec, initiation);
    }

    private static byte[] Hostile(Random chance, Queue<byte[]> seen)
    {
        if (seen.Count == 0 || chance.Next(3) == 0)
        {
            byte[] random = new byte[chance.Next(0, 300)];
            chance.NextBytes(random);
            if (random.Length >= 4 && chance.Next(2) == 0)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(random, (uint)chance.Next(0, 6));
            }

            return random;
        }

        byte[] bytes = [.. seen.ElementAt(chance.Next(seen.Count))];
        switch (chance.Next(4))
        {
            case 0:
                return bytes[..chance.Next(bytes.Length)];
            case 1:
                Array.Resize(ref bytes, bytes.Length + chance.Next(1, 40));
                return bytes;
            case 2:
                return bytes;
            default:
                bytes[chance.Next(bytes.Length)] ^= (byte)(1 << chance.Next(8));
                return bytes;
        }
    }
}
