using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.Control;

public sealed class PlainTextTests
{
    [Theory]
    [InlineData("Gerät 7 ist weg.", "Gerät 7 ist weg.")]
    [InlineData("\u001b]0;owned\u0007\u001b[2J", " ]0;owned  [2J")]
    [InlineData("a\r\nb\u2028c\u0085d", "a  b c d")]
    [InlineData("\u202egnp.exe", " gnp.exe")]
    [InlineData("", "")]
    public void What_steers_a_terminal_becomes_a_space(string text, string expected)
    {
        Assert.Equal(expected, PlainText.Line(text, 100));
        Assert.Equal(text == expected, PlainText.IsPlain(text));
    }

    [Fact]
    public void What_is_too_long_is_cut_and_shows_it()
    {
        Assert.Equal("abcd…", PlainText.Line("abcdefgh", 5));
        Assert.Equal("abcde", PlainText.Line("abcde", 5));
    }

    [Fact]
    public void A_refusal_of_a_server_is_one_plain_line_however_long()
    {
        ControlException refused = new(ControlErrorCodes.Internal, "\u001b[2J" + new string('x', 100_000));
        Assert.True(PlainText.IsPlain(refused.Message) && refused.Message.Length <= 1000);
    }
}
