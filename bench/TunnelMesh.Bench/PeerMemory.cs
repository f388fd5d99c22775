using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Bench;

/// <summary>What a peer costs the data plane in memory: known, with a session, and after a rekey, when two sessions are kept.</summary>
internal sealed class PeerMemory : ITunnelOutput
{
    private readonly Queue<byte[]> _sent = new();

    /// <inheritdoc/>
    public bool SendDatagram(ReadOnlySpan<byte> datagram, in PathAddress destination)
    {
        _sent.Enqueue(datagram.ToArray());
        return true;
    }

    /// <inheritdoc/>
    public bool WritePacket(ReadOnlySpan<byte> packet) => true;

    /// <summary>Measures with a number of peers and prints a table.</summary>
    public static void Run(int count, TextWriter output) => new PeerMemory().Measure(count, output);

    private static (long Managed, long Resident) Memory()
    {
        long managed = GC.GetTotalMemory(forceFullCollection: true);
        string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return (managed, long.Parse(line.AsSpan(6, line.Length - 9), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture) * 1024);
    }

    private void Measure(int count, TextWriter output)
    {
        using LocalStatic key = new(RandomNumberGenerator.GetBytes(32));
        TunnelEngine engine = new(new TunnelEngineOptions { Key = key, HandshakesPerSecondBeforeCookies = int.MaxValue }, this);
        byte[][] keys = [.. Enumerable.Range(0, count).Select(_ => RandomNumberGenerator.GetBytes(32))];
        PeerSpec[] specs = [.. Enumerable.Range(0, count).Select(i => Spec(i, keys[i]))];
        (long Managed, long Resident) before = Memory();
        engine.SetPeers(specs);
        engine.RunTimers();
        Print("known, with its routes");
        for (int session = 1; session <= 2; session++)
        {
            for (int i = 0; i < count; i++)
            {
                Establish(engine, key, keys[i], i);
            }

            Print(session == 1 ? "with a session" : "after a rekey");
        }

        GC.KeepAlive(specs);
        void Print(string state)
        {
            (long managed, long resident) = Memory();
            output.WriteLine($"{count} peers, {state}: {(managed - before.Managed) / 1024.0 / count:F1} KiB of managed memory each, {(resident - before.Resident) / 1024.0 / count:F1} KiB resident");
        }
    }

    private static PeerSpec Spec(int number, byte[] key)
    {
        using LocalStatic remote = new(key);
        byte[] address = [10, 42, (byte)(number >> 8), (byte)number], address6 = [0xfd, 1, .. new byte[12], (byte)(number >> 8), (byte)number];
        return new PeerSpec
        {
            DeviceId = number.ToString("x32", CultureInfo.InvariantCulture),
            PublicKey = remote.PublicKey.ToArray(),
            AllowedPrefixes = [new IPNetwork(new IPAddress(address), 32), new IPNetwork(new IPAddress(address6), 128)],
            Candidates = [new IPEndPoint(new IPAddress(address), 2223)],
        };
    }

    // The remote side lives for its handshake only, so that what stays is the engine's.
    private void Establish(TunnelEngine engine, LocalStatic ours, byte[] key, int number)
    {
        using LocalStatic remote = new(key);
        WireGuardDevice device = new(remote, TimeProvider.System, RandomNumberGenerator.Fill, null);
        WireGuardPeer peer = device.AddPeer(ours.PublicKey.Span, [], null);
        byte[] initiation = new byte[WireGuardMessage.InitiationSize], reply = new byte[WireGuardMessage.ResponseSize], keepalive = new byte[WireGuardMessage.TransportOverhead];
        byte[] name = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(name, number + 0x0a2b0000);
        UdpEndpoint source = UdpEndpoint.From(new IPEndPoint(new IPAddress(name), 2223));
        _sent.Clear();
        device.TryBeginHandshake(peer, initiation);
        engine.HandleDatagram(initiation, source);
        byte[] response = _sent.Dequeue();
        if (device.HandleHandshake(response, name, underLoad: false, reply, out _, out _) != HandshakeResult.SessionEstablished)
        {
            throw new InvalidOperationException("no session");
        }

        peer.SendKeypair!.Seal(keepalive, 0, 0, TimeProvider.System.GetTimestamp());
        engine.HandleDatagram(keepalive, source);
        _sent.Clear();
        device.RemovePeer(peer);
    }
}
