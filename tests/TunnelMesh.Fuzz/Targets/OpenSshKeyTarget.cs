using System.Text;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>Private key files: refused with <see cref="IdentityFormatException"/>, or a key that signs.</summary>
internal static class OpenSshKeyTarget
{
    /// <summary>Once read as a body of negative length: the two markers share their dashes.</summary>
    private static readonly byte[] Overlapping = "-----BEGIN OPENSSH PRIVATE KEY-----END OPENSSH PRIVATE KEY-----"u8.ToArray();

    public static FuzzTarget Create()
    {
        IdentityKey key = IdentityKey.FromSeed(new byte[32]);
        string text = key.ToOpenSshPrivate("someone@somewhere");
        byte[] inner = Convert.FromBase64String(string.Concat(text.Split('\n').Where(line => line.Length > 0 && line[0] != '-')));
        return new("openssh-key", [Encoding.ASCII.GetBytes(text), inner, Overlapping], Run);
    }

    private static void Run(ReadOnlyMemory<byte> input)
    {
        // Half of the inputs are mutated below the base64, where the interesting fields are.
        string armoured = Encoding.Latin1.GetString(input.Span);
        string wrapped = $"-----BEGIN OPENSSH PRIVATE KEY-----\n{Convert.ToBase64String(input.Span)}\n-----END OPENSSH PRIVATE KEY-----\n";
        Parse(armoured);
        Parse(wrapped);
    }

    private static void Parse(string text)
    {
        try
        {
            IdentityKey key = IdentityKey.ParseOpenSshPrivate(text);
            byte[] signature = key.Sign("probe"u8);
            Check.That(IdentityKey.Verify(key.PublicKey, "probe"u8, signature), "a parsed key does not sign");
        }
        catch (IdentityFormatException refusal)
        {
            Check.That(refusal.Message.Length > 0, "a refusal without a reason");
        }
    }
}
