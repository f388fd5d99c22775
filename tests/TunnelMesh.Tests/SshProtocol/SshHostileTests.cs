using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using TunnelMesh.Fuzz;
using TunnelMesh.Protocol.Identity;
using TunnelMesh.Protocol.Ssh;

namespace TunnelMesh.Tests.SshProtocol;

/// <summary>Strangers and men in the middle.</summary>
public sealed class SshHostileTests : IDisposable
{
    // A packet of twelve bytes, ten of them padding (RFC 4253, section 6); the padding is random.
    private static readonly byte[] NewKeys = [0, 0, 0, 12, 10, SshMessage.NewKeys];

    private readonly SshPair _pair = new();
    private readonly List<SshScript> _scripts = [];

    private SshConnection Client => _pair.Client.Connection;

    private SshConnection Server => _pair.Server.Connection;

    public void Dispose()
    {
        _scripts.ForEach(s => s.Dispose());
        _pair.Dispose();
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("\u0016\u0003\u0001")]
    [InlineData("SSH-1.5-old\r\n")]
    [InlineData("SSH-2.0-with\u0000zero\r\n")]
    [InlineData("\r\n")]
    public void Who_does_not_speak_ssh_is_told_nothing_more(string greeting)
    {
        byte[] before = _pair.Server.Write();
        Assert.StartsWith("SSH-2.0-", Encoding.ASCII.GetString(before), StringComparison.Ordinal);
        _pair.Server.Hear(Encoding.ASCII.GetBytes(greeting));
        Assert.True(_pair.Server.IsClosed);
        Assert.Empty(_pair.Server.Write());
    }

    [Fact]
    public void An_identification_without_an_end_is_cut()
    {
        _pair.Server.Hear(Encoding.ASCII.GetBytes("SSH-2.0-" + new string('x', 240)));
        Assert.False(_pair.Server.IsClosed);
        _pair.Server.Hear("xxxxxxxx"u8);
        Assert.True(_pair.Server.IsClosed);
    }

    [Fact]
    public void A_server_may_say_some_other_lines_first_but_not_forever()
    {
        _pair.Client.Hear("Welcome\r\nto this machine\r\n"u8);
        _pair.Client.Hear(_pair.Server.Write());
        _pair.Server.Hear(_pair.Client.Write());
        _pair.Run();
        Assert.True(Client.IsOpen);
        using SshPair other = new();
        for (int i = 0; i < 17; i++)
        {
            other.Client.Hear("Welcome\r\n"u8);
        }
        Assert.True(other.Client.IsClosed);
    }

    [Fact]
    public void Who_never_speaks_is_cut_after_ten_seconds()
    {
        _pair.Time.Advance(TimeSpan.FromSeconds(9));
        Server.Tick(_pair.Now);
        Assert.Null(Server.Failure);
        _pair.Time.Advance(TimeSpan.FromSeconds(1));
        Server.Tick(_pair.Now);
        Assert.NotNull(Server.Failure);
    }

    [Fact]
    public void Who_logs_in_and_opens_no_channel_is_cut_after_ten_seconds()
    {
        SshScript script = Script(Server, _pair.ClientKey);
        script.ExchangeKeys();
        script.Authenticate(SshPair.ClientDevice);
        _pair.Time.Advance(TimeSpan.FromSeconds(10));
        Server.Tick(_pair.Now);
        Assert.True(script.IsOver);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(11u)]
    [InlineData(13u)]
    [InlineData(66_640u)]
    [InlineData(0x7fff_fffcu)]
    [InlineData(0xffff_fffcu)]
    public void A_packet_without_a_sound_length_ends_the_connection_before_it_has_come(uint length)
    {
        byte[] header = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(header, length);
        SshScript script = Script(Server, _pair.ClientKey);
        script.Raw(SshIdentification.Line);
        script.Raw(header);
        Assert.True(script.IsOver);
        SshScript member = Member(SshPair.Scripted(out SshPair pair));
        using (pair)
        {
            member.Raw(header);
            Assert.True(member.IsOver);
        }
    }

    [Fact]
    public void Only_members_may_send_large_packets()
    {
        byte[] header = [0, 0, 0x90, 0];
        SshScript stranger = Script(Server, _pair.ClientKey);
        stranger.ExchangeKeys();
        stranger.Raw(header);
        Assert.True(stranger.IsOver);
        SshScript member = Member(SshPair.Scripted(out SshPair pair));
        using (pair)
        {
            member.Raw(header);
            Assert.False(member.IsOver);
        }
    }

    [Fact]
    public void Padding_must_leave_room_for_a_message()
    {
        byte[] packet = new byte[16];
        BinaryPrimitives.WriteUInt32BigEndian(packet, 12);
        foreach (byte padding in new byte[] { 0, 3, 11, 12, 255 })
        {
            using SshPair pair = new();
            packet[4] = padding;
            pair.Server.Hear([.. SshIdentification.Line, .. packet]);
            Assert.True(pair.Server.IsClosed);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(40)]
    [InlineData(-1)]
    public void A_flipped_bit_ends_the_connection(int at)
    {
        _pair.Run();
        byte[] packet = _pair.Client.Seal(new byte[100], 100)!;
        packet[at < 0 ? packet.Length + at : at] ^= 0x10;
        _pair.Server.Hear([.. packet, .. new byte[70_000]]);
        Assert.True(_pair.Server.IsClosed);
        Assert.Empty(_pair.Server.Datagrams);
        Assert.True(Server.Failure!.Reason is SshDisconnectReason.MacError or SshDisconnectReason.ProtocolError);
    }

    [Fact]
    public void A_replayed_packet_ends_the_connection()
    {
        _pair.Run();
        byte[] packet = _pair.Client.Seal([1], 1)!;
        _pair.Server.Hear(packet.ToArray());
        Assert.False(_pair.Server.IsClosed);
        _pair.Server.Hear(packet.ToArray());
        Assert.Equal(SshDisconnectReason.MacError, Server.Failure?.Reason);
        Assert.Single(_pair.Server.Datagrams);
    }

    [Fact]
    public void A_packet_left_out_ends_the_connection()
    {
        _pair.Run();
        _ = _pair.Client.Seal([1], 1);
        _pair.Server.Hear(_pair.Client.Seal([2], 1)!);
        Assert.Equal(SshDisconnectReason.MacError, Server.Failure?.Reason);
        Assert.Empty(_pair.Server.Datagrams);
    }

    // The prefix truncation of CVE-2023-48795 begins with a message of no meaning, put before NEWKEYS to shift the numbers.
    [Theory]
    [InlineData(SshMessage.Ignore, true)]
    [InlineData(SshMessage.Debug, true)]
    [InlineData(SshMessage.Unimplemented, true)]
    [InlineData(SshMessage.Ignore, false)]
    [InlineData(SshMessage.ServiceAccept, false)]
    public void A_message_put_into_the_first_key_exchange_ends_the_connection(byte message, bool intoServer)
    {
        byte[] injected = Plain(new SshWriter(message).UInt32(0).ToArray());
        for (int place = 0; place < 3; place++)
        {
            using SshPair pair = new();
            SshSide victim = intoServer ? pair.Server : pair.Client, other = intoServer ? pair.Client : pair.Server;
            // Before the KEXINIT; behind it; and before the NEWKEYS.
            byte[] hello = other.Write();
            int line = Array.IndexOf(hello, (byte)'\n') + 1;
            victim.Hear(hello.AsSpan(0, line));
            if (place > 0)
            {
                victim.Hear(hello.AsSpan(line));
            }
            if (place > 1)
            {
                other.Hear(victim.Write());
                // The packet before NEWKEYS alone, where there is one.
                byte[] answer = other.Write();
                victim.Hear(intoServer ? answer : answer[..^16]);
            }
            Assert.False(victim.IsClosed);
            victim.Hear(injected);
            Assert.True(victim.IsClosed, $"place {place}");
            Assert.False(victim.Connection.IsOpen);
        }
    }

    // And it ends with the first packets behind NEWKEYS left out, one of them, or all that were under way.
    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public void The_first_packets_under_new_keys_cannot_be_left_out(bool intoServer, bool all)
    {
        SshSide victim = intoServer ? _pair.Server : _pair.Client, other = intoServer ? _pair.Client : _pair.Server;
        bool behind = false, cut = false;
        for (int turn = 0; turn < 10 && !cut; turn++)
        {
            byte[] said = other.Write();
            if (!behind && said.AsSpan().IndexOf(NewKeys) is var at and >= 0)
            {
                // Up to and with it; what follows is sealed, its length is not.
                victim.Hear(said.AsSpan(0, at + 16));
                said = said[(at + 16)..];
                behind = true;
            }

            cut = behind && said.Length > 0;
            victim.Hear(!cut ? said : all ? [] : said.AsSpan(4 + (int)BinaryPrimitives.ReadUInt32BigEndian(said) + 16));
            other.Hear(victim.Write());
        }

        Assert.True(cut);
        other.Connection.Disconnect(SshDisconnectReason.ByApplication, "done");
        victim.Hear(other.Write());
        Assert.Equal(SshDisconnectReason.MacError, victim.Connection.Failure?.Reason);
    }

    [Fact]
    public void Without_strict_key_exchange_there_is_no_connection()
    {
        byte[] init = SshKexInit.Write(true, RandomNumberGenerator.Fill);
        int strict = Encoding.ASCII.GetString(init).IndexOf("kex-strict", StringComparison.Ordinal);
        init[strict] = (byte)'x';
        SshScript script = Script(Server, _pair.ClientKey);
        script.Raw(SshIdentification.Line);
        script.Say(init);
        Assert.Equal(SshDisconnectReason.KeyExchangeFailed, Server.Failure?.Reason);
    }

    [Theory]
    [InlineData("curve25519-sha256", "diffie-hellman-x")]
    [InlineData("ssh-ed25519", "ssh-rsa-xxx")]
    [InlineData("aes256-gcm@openssh.com", "aes256-ctr-xxxxxxxxxxx")]
    [InlineData("none", "zlib")]
    public void Nothing_weaker_is_agreed_on(string ours, string other)
    {
        string init = Encoding.Latin1.GetString(SshKexInit.Write(true, RandomNumberGenerator.Fill));
        SshScript script = Script(Server, _pair.ClientKey);
        script.Raw(SshIdentification.Line);
        script.Say(Encoding.Latin1.GetBytes(init.Replace(ours, other.PadRight(ours.Length, 'x')[..ours.Length], StringComparison.Ordinal)));
        Assert.Equal(SshDisconnectReason.KeyExchangeFailed, Server.Failure?.Reason);
    }

    [Fact]
    public void A_wrong_guess_of_the_key_exchange_is_passed_over()
    {
        string init = Encoding.Latin1.GetString(SshKexInit.Write(true, RandomNumberGenerator.Fill))
            .Replace("curve25519-sha256,curve25519-sha256@libssh.org", "diffie-hellman-xx,curve25519-sha256@libssh.org", StringComparison.Ordinal);
        byte[] guessed = Encoding.Latin1.GetBytes(init);
        guessed[^5] = 1;
        SshScript script = Script(Server, _pair.ClientKey);
        script.Raw(SshIdentification.Line);
        script.Say(guessed);
        script.Say(new SshWriter(SshMessage.KexEcdhInit).String(new byte[200]).ToArray());
        Assert.False(script.IsOver);
        Assert.Null(script.Last(SshMessage.KexEcdhReply));
    }

    [Fact]
    public void A_point_of_low_order_is_refused()
    {
        SshScript script = Script(Server, _pair.ClientKey);
        script.Begin();
        script.Say(new SshWriter(SshMessage.KexEcdhInit).String(new byte[32]).ToArray());
        Assert.Equal(SshDisconnectReason.KeyExchangeFailed, Server.Failure?.Reason);
        Assert.Null(script.Last(SshMessage.KexEcdhReply));
    }

    [Fact]
    public void Another_host_key_is_refused_before_anything_tells_who_we_are()
    {
        using SshPair pair = new(server: options => options with { Identity = IdentityKey.Generate(RandomNumberGenerator.Fill) });
        pair.Carry(pair.Client.Write(), pair.Server);
        pair.Carry(pair.Server.Write(), pair.Client);
        pair.Carry(pair.Client.Write(), pair.Server);
        pair.Carry(pair.Server.Write(), pair.Client);
        Assert.Equal(SshDisconnectReason.HostKeyNotVerifiable, pair.Client.Connection.Failure?.Reason);
        Assert.DoesNotContain(SshEvent.HostVerified, pair.Client.Events);
        // One plain DISCONNECT and nothing else.
        byte[] last = pair.Client.Write();
        using SshOpener opener = new();
        Assert.Equal(SshDisconnectReason.None, opener.TryTake(last, out int size, out _));
        Assert.Equal((last.Length, SshMessage.Disconnect), (size, last[SshPacket.PrefixBytes]));
    }

    [Fact]
    public void A_server_that_shows_the_right_key_without_holding_it_is_refused()
    {
        IdentityKey forger = IdentityKey.Generate(RandomNumberGenerator.Fill);
        SshScript script = Script(Client, forger);
        script.Begin();
        using SshKeyExchange exchange = new(RandomNumberGenerator.Fill);
        script.Say(new SshWriter(SshMessage.KexEcdhReply).String(SshKeys.PublicBlob(_pair.ServerKey.PublicKey)).String(exchange.Public)
            .String(SshKeys.SignatureBlob(forger.Sign(new byte[32]))).ToArray());
        Assert.Equal(SshDisconnectReason.HostKeyNotVerifiable, Client.Failure?.Reason);
    }

    [Fact]
    public void Every_stranger_is_told_the_same_six_times_at_most()
    {
        IdentityKey stranger = IdentityKey.Generate(RandomNumberGenerator.Fill);
        SshScript script = Script(Server, stranger);
        script.ExchangeKeys();
        script.Say(new SshWriter(SshMessage.ServiceRequest).String("ssh-userauth").ToArray());
        byte[] asked = new SshWriter(SshMessage.UserAuthRequest).String(SshPair.ClientDevice).String("ssh-connection").String("publickey").Boolean(false)
            .String("ssh-ed25519").String(SshKeys.PublicBlob(stranger.PublicKey)).ToArray();
        byte[][] attempts =
        [
            new SshWriter(SshMessage.UserAuthRequest).String("root").String("ssh-connection").String("none").ToArray(),
            new SshWriter(SshMessage.UserAuthRequest).String(SshPair.ClientDevice).String("ssh-connection").String("password").Boolean(false).String("secret").ToArray(),
            asked,
            SshScript.LogIn(SshPair.ClientDevice, stranger, script.SessionId),
            SshScript.LogIn("00000000000000000000000000000009", _pair.ClientKey, script.SessionId),
            SshScript.LogIn(SshPair.ClientDevice, _pair.ClientKey, new byte[32]),
        ];
        for (int i = 0; i < attempts.Length; i++)
        {
            script.Say(attempts[i]);
            Assert.Equal(i == attempts.Length - 1, script.IsOver);
        }
        byte[][] answers = [.. script.Heard.Where(m => m[0] == SshMessage.UserAuthFailure)];
        Assert.Equal(5, answers.Length);
        Assert.All(answers, a => Assert.Equal(answers[0], a));
        Assert.Null(script.Last(SshMessage.UserAuthPublicKeyOk));
        Assert.Equal((UInt128)0, Server.RemoteDevice);
    }

    [Fact]
    public void A_member_that_asks_first_whether_its_key_will_do_is_answered()
    {
        SshScript script = Script(Server, _pair.ClientKey);
        script.ExchangeKeys();
        script.Say(new SshWriter(SshMessage.ServiceRequest).String("ssh-userauth").ToArray());
        byte[] key = SshKeys.PublicBlob(_pair.ClientKey.PublicKey);
        script.Say(new SshWriter(SshMessage.UserAuthRequest).String(SshPair.ClientDevice).String("ssh-connection").String("publickey").Boolean(false)
            .String("ssh-ed25519").String(key).ToArray());
        Assert.Equal(new SshWriter(SshMessage.UserAuthPublicKeyOk).String("ssh-ed25519").String(key).ToArray(), script.Last(SshMessage.UserAuthPublicKeyOk));
        Assert.Equal((UInt128)0, Server.RemoteDevice);
        script.Say(SshScript.LogIn(SshPair.ClientDevice, _pair.ClientKey, script.SessionId));
        Assert.NotNull(script.Last(SshMessage.UserAuthSuccess));
        Assert.Equal((UInt128)1, Server.RemoteDevice);
    }

    [Fact]
    public void Nothing_of_the_connection_protocol_is_taken_before_logging_in()
    {
        SshScript script = Script(Server, _pair.ClientKey);
        script.ExchangeKeys();
        script.OpenChannel(SshPair.ServerDevice);
        Assert.True(script.IsOver);
    }

    [Fact]
    public void A_stranger_that_chatters_is_cut()
    {
        SshScript script = Script(Server, _pair.ClientKey);
        script.ExchangeKeys();
        int said = 0;
        for (; said < 1000 && !script.IsOver; said++)
        {
            script.Say(new SshWriter(SshMessage.Ignore).String(new byte[30_000]).ToArray());
        }
        Assert.InRange(said, 2, 6);
    }

    private SshScript Script(SshConnection victim, IdentityKey key)
    {
        SshScript script = new(victim, key, RandomNumberGenerator.Fill, _pair.Now);
        _scripts.Add(script);
        return script;
    }

    private SshScript Member(SshScript script)
    {
        _scripts.Add(script);
        return script;
    }

    private static byte[] Plain(byte[] payload)
    {
        using SshSealer sealer = new();
        byte[] packet = new byte[sealer.SizeOf(payload.Length)];
        payload.CopyTo(packet, SshPacket.PrefixBytes);
        sealer.Seal(packet, payload.Length);
        return packet;
    }
}
