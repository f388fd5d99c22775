using System.Buffers.Binary;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.Simulation.Network;
using TunnelMesh.Simulation.Peers;

namespace TunnelMesh.Simulation.Scenarios;

/// <summary>Those who send what they should not.</summary>
public sealed class HostileTests
{
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
