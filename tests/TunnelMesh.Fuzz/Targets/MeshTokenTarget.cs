using System.Text;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>Tokens: what is accepted is hex of at least 128 bits, and a refusal never repeats the secret.</summary>
internal static class MeshTokenTarget
{
    public static FuzzTarget Create() => new("mesh-token", [Encoding.ASCII.GetBytes(new string('a', 64)), Encoding.ASCII.GetBytes("0123456789abcdef0123456789ABCDEF,ff")], Run);

    private static void Run(ReadOnlyMemory<byte> input)
    {
        string text = Encoding.Latin1.GetString(input.Span);
        if (MeshToken.TryParse(text, out string token, out string error))
        {
            Check.That(token.Length >= 32 && token.All(char.IsAsciiHexDigit), "an accepted token is not 128 bits of hex");
        }
        else
        {
            Check.That(error.Length > 0, "a refusal without a reason");
            Check.That(text.Trim().Length < 16 || !error.Contains(text.Trim(), StringComparison.Ordinal), "a refusal repeats the secret");
        }
        _ = MeshToken.ParseList(text, out _, out _);
    }
}
