using TunnelMesh.Protocol.Identity;
using TunnelMesh.Protocol.Ssh;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>
/// An SSH connection in either role against a hostile other side. The first byte of an input says at which stage it begins (its lowest two bits: bytes of a
/// stranger, messages under the first keys, messages after logging in, messages of an open channel) and against which role (the next bit). Messages are
/// preceded by two bytes of length. Nobody gets in who has not proved his key, and channel data only comes out when it was sent.
/// </summary>
internal static class SshTarget
{
    private const string ClientName = "00000000000000000000000000000001", ServerName = "00000000000000000000000000000002";
    private static readonly IdentityKey ClientKey = IdentityKey.FromSeed(Enumerable.Repeat((byte)1, 32).ToArray());
    private static readonly IdentityKey ServerKey = IdentityKey.FromSeed(Enumerable.Repeat((byte)2, 32).ToArray());

    public static FuzzTarget Create() => new("ssh", [.. Seeds(false), .. Seeds(true)], Run);

    private static IEnumerable<byte[]> Seeds(bool client)
    {
        byte role = client ? (byte)4 : (byte)0;
        byte[] request = new SshWriter(SshMessage.GlobalRequest).String("keepalive@openssh.com").Boolean(true).ToArray();
        yield return [role, .. SshIdentification.Line, .. Plain(SshKexInit.Write(!client, Fill)), .. Plain(new SshWriter(SshMessage.KexEcdhInit).String(new byte[32]).ToArray())];
        yield return [role, .. "hello\r\n"u8, .. SshIdentification.Line];
        yield return
        [
            (byte)(role | 1), .. Message(new SshWriter(SshMessage.ServiceRequest).String("ssh-userauth").ToArray()),
            .. Message(new SshWriter(SshMessage.UserAuthRequest).String(ClientName).String("ssh-connection").String("none").ToArray()),
            .. Message(SshScript.LogIn(ClientName, ClientKey, new byte[32])),
            .. Message([SshMessage.UserAuthSuccess]), .. Message(new SshWriter(SshMessage.ServiceAccept).String("ssh-userauth").ToArray()),
        ];
        yield return
        [
            (byte)(role | 2), .. Message(new SshWriter(SshMessage.ChannelOpen).String("session").UInt32(0).UInt32(1).UInt32(1).ToArray()), .. Message(request),
            .. Message(new SshWriter(SshMessage.ChannelOpen).String(SshChannelType.Datagrams).UInt32(7).UInt32(1 << 20).UInt32(1 << 16).String(ServerName).ToArray()),
            .. Message(new SshWriter(SshMessage.ChannelOpenFailure).UInt32(0).UInt32(1).String("no").String("").ToArray()),
        ];
        yield return
        [
            (byte)(role | 3), .. Message(new SshWriter(SshMessage.ChannelData).UInt32(0).String([0, 2, 0, 3, 1, 2, 3]).ToArray()),
            .. Message(new SshWriter(SshMessage.ChannelWindowAdjust).UInt32(0).UInt32(100).ToArray()), .. Message(SshKexInit.Write(!client, Fill)),
            .. Message(new SshWriter(SshMessage.ChannelEof).UInt32(0).ToArray()), .. Message(new SshWriter(SshMessage.ChannelClose).UInt32(0).ToArray()),
        ];
        yield return
        [
            (byte)(role | 3), .. Message(new SshWriter(SshMessage.ChannelRequest).UInt32(0).String("exec").Boolean(true).String("id").ToArray()),
            .. Message(new SshWriter(SshMessage.ChannelExtendedData).UInt32(0).UInt32(1).String("x").ToArray()), .. Message([200]), .. Message([SshMessage.RequestFailure]),
            .. Message(new SshWriter(SshMessage.Disconnect).UInt32(11).String("bye").String("").ToArray()),
        ];
    }

    private static void Run(ReadOnlyMemory<byte> input)
    {
        if (input.IsEmpty)
        {
            return;
        }
        byte first = input.Span[0];
        ReadOnlySpan<byte> rest = input.Span[1..];
        bool client = (first & 4) != 0;
        int stage = first & 3;
        using SshConnection victim = Victim(client);
        using SshScript script = new(victim, client ? ServerKey : ClientKey, Fill, 0);
        if (stage == 0)
        {
            script.Raw(rest);
            script.Listen();
            Check.That(victim.KeyExchanges == 0 && victim.RemoteDevice == 0 && !victim.IsOpen, "a stranger got in without a key exchange");
            return;
        }
        script.ExchangeKeys();
        if (stage > 1)
        {
            script.Authenticate(ClientName);
        }
        if (stage > 2)
        {
            script.OpenChannel(ServerName);
            Check.That(victim.IsOpen, "the channel does not open: the target would try nothing");
        }
        List<byte[]> sent = [];
        while (rest.Length > 2)
        {
            int length = Math.Min(rest.Length - 2, Math.Max(1, (rest[0] << 8) | rest[1]));
            byte[] message = rest.Slice(2, length).ToArray();
            rest = rest[(2 + length)..];
            if (message[0] == SshMessage.ChannelData && message.Length >= 9)
            {
                sent.Add(message[9..]);
            }
            script.Say(message);
        }
        Check.That(script.Data.Count <= sent.Count && script.Data.All(d => sent.Exists(s => s.AsSpan().SequenceEqual(d))), "channel data came out that was not sent");
        Check.That(stage > 1 || client || victim.RemoteDevice == 0, "somebody got in with a signature of another session");
        Check.That(victim.Failure is null || !victim.IsOpen, "a connection that is over is open");
        foreach (byte[] data in script.Data)
        {
            Frames(data);
        }
    }

    private static void Frames(ReadOnlySpan<byte> data)
    {
        int total = data.Length, taken = 0;
        while (DatagramFrames.TryTake(ref data, out ReadOnlySpan<byte> datagrams, out int size))
        {
            Check.That(size > 0 && size <= datagrams.Length, "a frame without a sound size");
            taken += DatagramFrames.HeaderBytes + datagrams.Length;
        }
        Check.That(taken + data.Length == total, "frames and what is left are not the whole");
    }

    private static SshConnection Victim(bool client) => client
        ? new SshConnection(new SshClientOptions { Identity = ClientKey, HostKey = ServerKey.PublicKey.ToArray(), UserName = ClientName, ChannelTarget = ServerName, Random = Fill, Time = TimeProvider.System }, 0)
        : new SshConnection(new SshServerOptions { Identity = ServerKey, Device = 2, Random = Fill, Time = TimeProvider.System, Authorize = (device, key) => device == 1 && key.SequenceEqual(ClientKey.PublicKey) }, 0);

    private static byte[] Plain(byte[] payload)
    {
        using SshSealer sealer = new();
        byte[] packet = new byte[sealer.SizeOf(payload.Length)];
        payload.CopyTo(packet, SshPacket.PrefixBytes);
        sealer.Seal(packet, payload.Length);
        return packet;
    }

    private static byte[] Message(byte[] payload) => [(byte)(payload.Length >> 8), (byte)payload.Length, .. payload];

    // The same conversation every time.
    private static void Fill(Span<byte> bytes) => bytes.Fill(9);
}
