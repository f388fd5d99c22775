using System.Security.Cryptography;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Identity;

public class MeshTokenTests
{
    [Theory]
    [InlineData("")]
    [InlineData("0123456789abcdef0123456789abcde")]
    [InlineData("not hexadecimal at all, and much longer than needed")]
    public void A_weak_or_damaged_token_is_refused_with_the_command_that_makes_a_good_one(string text)
    {
        Assert.False(MeshToken.TryParse(text, out string token, out string error));
        Assert.Equal("", token);
        Assert.Contains("openssl rand -hex 32", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Tokens_are_trimmed_and_lower_case()
    {
        Assert.True(MeshToken.TryParse("  0123456789ABCDEF0123456789ABCDEF\n", out string token, out _));
        Assert.Equal("0123456789abcdef0123456789abcdef", token);
    }

    [Fact]
    public void A_list_keeps_each_token_once_and_names_the_bad_one()
    {
        string one = MeshToken.Generate(RandomNumberGenerator.Fill), two = MeshToken.Generate(RandomNumberGenerator.Fill);
        Assert.True(MeshToken.ParseList($"{one}, {two},{one}", out IReadOnlyList<string> tokens, out _));
        Assert.Equal([one, two], tokens);
        Assert.False(MeshToken.ParseList($"{one},short", out tokens, out string error));
        Assert.Empty(tokens);
        Assert.StartsWith("Token 2 of 2", error, StringComparison.Ordinal);
    }
}
