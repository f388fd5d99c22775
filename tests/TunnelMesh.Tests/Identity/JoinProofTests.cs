using System.Security.Cryptography;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Identity;

public class JoinProofTests
{
    private static readonly byte[] Spki = SHA256.HashData("server key"u8);

    private static JoinHello Hello() => new()
    {
        Version = 1,
        OldestVersion = 1,
        Capabilities = ["a"],
        Nonce = Fill(1),
        IdentityKey = Fill(2),
        DeviceKey = Fill(3),
        TlsKey = Fill(4),
        Name = "nas",
        UnixTimeMs = 5,
        ProgramVersion = "0.1",
    };

    private static JoinChallenge Challenge() => new() { Version = 1, Nonce = Fill(6), EphemeralKey = Fill(7), CaCertificates = [Fill(8), Fill(9)], UnixTimeMs = 10 };

    private static byte[] Fill(byte value) => [.. Enumerable.Repeat(value, 32)];

    [Fact]
    public void Every_field_changes_the_transcript()
    {
        JoinHello hello = Hello();
        JoinChallenge challenge = Challenge();
        byte[] other = Fill(99);
        byte[][] all =
        [
            JoinTranscript.Compute(hello, challenge, Spki, false),
            JoinTranscript.Compute(hello, challenge, Spki, true),
            JoinTranscript.Compute(hello, challenge, other, false),
            JoinTranscript.Compute(hello with { Version = 2 }, challenge, Spki, false),
            JoinTranscript.Compute(hello with { OldestVersion = 0 }, challenge, Spki, false),
            JoinTranscript.Compute(hello with { Capabilities = ["a", ""] }, challenge, Spki, false),
            JoinTranscript.Compute(hello with { Capabilities = [] }, challenge, Spki, false),
            JoinTranscript.Compute(hello with { Nonce = other }, challenge, Spki, false),
            JoinTranscript.Compute(hello with { IdentityKey = other }, challenge, Spki, false),
            JoinTranscript.Compute(hello with { DeviceKey = other }, challenge, Spki, false),
            JoinTranscript.Compute(hello with { TlsKey = other }, challenge, Spki, false),
            JoinTranscript.Compute(hello with { Name = "nas2" }, challenge, Spki, false),
            JoinTranscript.Compute(hello with { UnixTimeMs = 6 }, challenge, Spki, false),
            JoinTranscript.Compute(hello with { ProgramVersion = "" }, challenge, Spki, false),
            JoinTranscript.Compute(hello, challenge with { Version = 2 }, Spki, false),
            JoinTranscript.Compute(hello, challenge with { Nonce = other }, Spki, false),
            JoinTranscript.Compute(hello, challenge with { EphemeralKey = other }, Spki, false),
            JoinTranscript.Compute(hello, challenge with { CaCertificates = [other, Fill(9)] }, Spki, false),
            JoinTranscript.Compute(hello, challenge with { CaCertificates = [[.. Fill(8), .. Fill(9)]] }, Spki, false),
            JoinTranscript.Compute(hello, challenge with { UnixTimeMs = 11 }, Spki, false),
        ];
        Assert.Equal(all.Length, all.Select(Convert.ToHexString).Distinct().Count());
    }

    [Fact]
    public void Proofs_verify_only_for_their_role_token_and_transcript()
    {
        byte[] transcript = JoinTranscript.Compute(Hello(), Challenge(), Spki, false);
        byte[] key = JoinProofs.TokenKey(new string('a', 64));
        byte[] wrong = JoinProofs.TokenKey(new string('b', 64));
        byte[] peer = JoinProofs.PeerTokenProof(key, transcript);
        Assert.True(JoinProofs.VerifyPeerToken(peer, key, transcript));
        Assert.False(JoinProofs.VerifyPeerToken(peer, wrong, transcript));
        Assert.False(JoinProofs.VerifyPeerToken(peer, key, SHA256.HashData(transcript)));
        Assert.False(JoinProofs.VerifyPeerToken([], key, transcript));
        // A reflected proof must not pass as the coordinator's.
        Assert.False(JoinProofs.VerifyCoordinatorToken(peer, key, transcript));
        Assert.True(JoinProofs.VerifyCoordinatorToken(JoinProofs.CoordinatorTokenProof(key, transcript), key, transcript));
    }

    [Fact]
    public void Possession_of_both_keys_is_proven_over_the_record()
    {
        byte[] transcript = JoinTranscript.Compute(Hello(), Challenge(), Spki, false);
        DeviceKey device = DeviceKey.Generate(RandomNumberGenerator.Fill), ephemeral = DeviceKey.Generate(RandomNumberGenerator.Fill);
        byte[] ours = new byte[32], theirs = new byte[32];
        Assert.True(device.TryAgree(ephemeral.Public, ours));
        Assert.True(ephemeral.TryAgree(device.Public, theirs));
        byte[] record = [1, 2, 3];
        byte[] proof = JoinProofs.DeviceProof(ours, transcript, record);
        Assert.True(JoinProofs.VerifyDevice(proof, theirs, transcript, record));
        Assert.False(JoinProofs.VerifyDevice(proof, theirs, transcript, [1, 2, 4]));

        IdentityKey identity = IdentityKey.Generate(RandomNumberGenerator.Fill);
        byte[] signature = identity.Sign(JoinProofs.IdentityMessage(transcript, record));
        Assert.True(JoinProofs.VerifyIdentity(signature, identity.PublicKey, transcript, record));
        Assert.False(JoinProofs.VerifyIdentity(signature, identity.PublicKey, transcript, [1]));
    }

    [Fact]
    public void Low_order_keys_agree_on_nothing()
    {
        DeviceKey device = DeviceKey.Generate(RandomNumberGenerator.Fill);
        byte[] shared = Fill(1);
        Assert.False(device.TryAgree(new byte[32], shared));
        Assert.Equal(new byte[32], shared);
        // The point of order 8 named in RFC 7748's discussion of contributory behaviour.
        byte[] order8 = Convert.FromHexString("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
        Assert.False(device.TryAgree(order8, shared));
    }

    // RFC 7748, section 6.1, Bob's side.
    [Fact]
    public void Agrees_as_RFC_7748()
    {
        DeviceKey bob = DeviceKey.FromPrivate(Convert.FromHexString("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
        Assert.Equal("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", Convert.ToHexStringLower(bob.Public));
        byte[] shared = new byte[32];
        Assert.True(bob.TryAgree(Convert.FromHexString("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"), shared));
        Assert.Equal("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", Convert.ToHexStringLower(shared));
    }
}
