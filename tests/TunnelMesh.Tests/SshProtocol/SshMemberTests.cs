using System.Security.Cryptography;
using TunnelMesh.Fuzz;
using TunnelMesh.Protocol.Ssh;

namespace TunnelMesh.Tests.SshProtocol;

/// <summary>Members of the mesh that break the protocol, or say what is not known here.</summary>
public sealed class SshMemberTests
{
    [Fact]
    public void A_member_that_asks_and_does_not_read_the_answers_is_cut()
    {
        using SshScript script = SshPair.Scripted(out SshPair pair);
        using (pair)
        {
            byte[] request = new SshWriter(SshMessage.GlobalRequest).String("keepalive@openssh.com").Boolean(true).ToArray();
            int asked = 0;
            for (; asked < 1000 && !script.IsOver; asked++)
            {
                script.Raw(script.Seal(request));
            }
            Assert.InRange(asked, 100, 200);
        }
    }

    [Fact]
    public void Unknown_messages_are_answered_as_unimplemented_with_their_number()
    {
        using SshScript script = SshPair.Scripted(out SshPair pair);
        using (pair)
        {
            // Behind service request, authentication and opening: the fourth packet under these keys.
            script.Say([200]);
            Assert.Equal(new SshWriter(SshMessage.Unimplemented).UInt32(3).ToArray(), script.Last(SshMessage.Unimplemented));
            script.Say(new SshWriter(SshMessage.GlobalRequest).String("hostkeys-prove-00@openssh.com").Boolean(true).ToArray());
            Assert.NotNull(script.Last(SshMessage.RequestFailure));
            script.Say(new SshWriter(SshMessage.ChannelRequest).UInt32(0).String("shell").Boolean(true).ToArray());
            Assert.NotNull(script.Last(SshMessage.ChannelFailure));
            script.Say(new SshWriter(SshMessage.ChannelOpen).String("session").UInt32(5).UInt32(1).UInt32(1).ToArray());
            script.Say(new SshWriter(SshMessage.ChannelOpen).String(SshChannelType.Datagrams).UInt32(5).UInt32(1).UInt32(1).String(SshPair.ServerDevice).ToArray());
            Assert.Equal(2, script.Heard.Count(m => m[0] == SshMessage.ChannelOpenFailure));
            Assert.False(script.IsOver);
        }
    }

    [Fact]
    public void Data_beyond_the_window_ends_the_connection()
    {
        using SshScript script = SshPair.Scripted(out SshPair pair);
        using (pair)
        {
            byte[] data = new SshWriter(SshMessage.ChannelData).UInt32(0).String(new byte[60_000]).ToArray();
            int taken = 0;
            // Without listening, so that the window is not given back.
            for (; taken < 2000 && !script.IsOver; taken++)
            {
                script.Raw(script.Seal(data));
            }
            Assert.Equal((64 * 1024 * 1024 / 60_000) + 1, taken);
        }
    }

    [Fact]
    public void A_window_that_grows_beyond_its_bounds_ends_the_connection()
    {
        using SshScript script = SshPair.Scripted(out SshPair pair);
        using (pair)
        {
            script.Say(new SshWriter(SshMessage.ChannelWindowAdjust).UInt32(0).UInt32(uint.MaxValue).ToArray());
            Assert.True(script.IsOver);
        }
    }

    [Fact]
    public void A_message_inside_a_later_key_exchange_ends_the_connection()
    {
        using SshScript script = SshPair.Scripted(out SshPair pair);
        using (pair)
        {
            script.Say(SshKexInit.Write(true, RandomNumberGenerator.Fill));
            Assert.False(script.IsOver);
            script.Say(new SshWriter(SshMessage.ChannelData).UInt32(0).String([0, 1, 0, 1, 9]).ToArray());
            Assert.True(script.IsOver);
            Assert.Empty(script.Data);
        }
    }

    [Fact]
    public void A_later_key_exchange_that_never_ends_is_cut()
    {
        using SshScript script = SshPair.Scripted(out SshPair pair);
        using (pair)
        {
            script.Say(SshKexInit.Write(true, RandomNumberGenerator.Fill));
            pair.Time.Advance(TimeSpan.FromSeconds(29));
            pair.Server.Connection.Tick(pair.Now);
            Assert.False(script.IsOver);
            pair.Time.Advance(TimeSpan.FromSeconds(1));
            pair.Server.Connection.Tick(pair.Now);
            Assert.True(script.IsOver);
        }
    }

    [Fact]
    public void A_member_that_wants_new_keys_again_and_again_is_cut()
    {
        using SshPair pair = new(client: options => options with { RekeyBytes = 500 });
        pair.Run();
        byte[] datagram = new byte[1000];
        while (pair.Server.Connection.Failure is null && pair.Server.Connection.KeyExchanges < 1000)
        {
            if (pair.Client.Seal(datagram, 1000) is { } packet)
            {
                pair.Carry(packet, pair.Server);
            }
            pair.Run();
        }
        // The first one counts as none, and a minute later there may be more.
        Assert.Equal(241, pair.Server.Connection.KeyExchanges);
    }
}
