using System.Diagnostics;
using System.Security.Cryptography;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Identity;

public sealed class IdentityKeyTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tm-identity-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // RFC 8032, section 7.1, tests 1 to 3.
    [Theory]
    [InlineData("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")]
    [InlineData("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    public void Signs_as_RFC_8032(string seed, string publicKey, string message, string signature)
    {
        IdentityKey key = IdentityKey.FromSeed(Convert.FromHexString(seed));
        Assert.Equal(publicKey, Convert.ToHexStringLower(key.PublicKey));
        byte[] signed = key.Sign(Convert.FromHexString(message));
        Assert.Equal(signature, Convert.ToHexStringLower(signed));
        Assert.True(IdentityKey.Verify(key.PublicKey, Convert.FromHexString(message), signed));
        signed[5] ^= 1;
        Assert.False(IdentityKey.Verify(key.PublicKey, Convert.FromHexString(message), signed));
    }

    [Fact]
    public void A_written_key_reads_back()
    {
        IdentityKey key = IdentityKey.Generate(RandomNumberGenerator.Fill);
        IdentityKey again = IdentityKey.ParseOpenSshPrivate(key.ToOpenSshPrivate("me@here"));
        Assert.Equal(key.PublicKey, again.PublicKey);
    }

    [Fact]
    public void A_peer_ID_is_the_start_of_the_hash_of_the_key()
    {
        byte[] key = IdentityKey.FromSeed(new byte[32]).PublicKey.ToArray();
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(key))[..16], PeerId.FromIdentityKey(key));
    }

    [Fact]
    public void Keys_of_ssh_keygen_are_read_and_ssh_keygen_reads_ours()
    {
        string theirs = Path.Combine(_folder, "theirs");
        Keygen("-q", "-t", "ed25519", "-N", "", "-C", "a comment", "-f", theirs);
        IdentityKey parsed = IdentityKey.ParseOpenSshPrivate(File.ReadAllText(theirs));
        string[] line = File.ReadAllText(theirs + ".pub").Split(' ');
        Assert.Equal(line[1], parsed.ToOpenSshPublic("x").Split(' ')[1]);

        string ours = Path.Combine(_folder, "ours");
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        using (StreamWriter writer = new(ours, options))
        {
            writer.Write(parsed.ToOpenSshPrivate("ours"));
        }
        Assert.Equal(line[1], Keygen("-y", "-f", ours).Split(' ')[1].Trim());
    }

    [Theory]
    [InlineData("encrypted", "ed25519", "secret")]
    [InlineData("ed25519", "rsa", "")]
    [InlineData("ed25519", "ecdsa", "")]
    public void Other_keys_are_refused_with_advice(string expected, string type, string passphrase)
    {
        string file = Path.Combine(_folder, $"{type}{passphrase.Length}");
        Keygen("-q", "-t", type, "-N", passphrase, "-f", file);
        IdentityFormatException refusal = Assert.Throws<IdentityFormatException>(() => IdentityKey.ParseOpenSshPrivate(File.ReadAllText(file)));
        Assert.Contains(expected, refusal.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("ssh-keygen", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_cut_of_a_key_file_is_refused()
    {
        string text = IdentityKey.FromSeed(new byte[32]).ToOpenSshPrivate("c");
        int end = text.LastIndexOf("-----", StringComparison.Ordinal);
        for (int length = 0; length < end; length++)
        {
            Assert.Throws<IdentityFormatException>(() => IdentityKey.ParseOpenSshPrivate(text[..length]));
        }
    }

    private static string Keygen(params string[] arguments)
    {
        ProcessStartInfo start = new("ssh-keygen", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
        return output;
    }
}
