using TunnelMesh.Cli.Commands;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Tests.Cli;

public sealed class TokenCommandTests : IDisposable
{
    private static readonly TokenReport Plain = new() { Id = 1, State = "valid", Given = true, Admitted = 12, Uses = null, Added = DateTimeOffset.UnixEpoch, Expires = null };
    private static readonly TokenRevokeReport Revoked = new() { Id = 3, Given = false, FileRemoved = null, Problem = null, Devices = [], ValidTokens = 1 };
    private readonly CommandLine _cli = new();

    public void Dispose() => _cli.Dispose();

    private static string[] Print(bool all, params TokenReport[] tokens)
    {
        using StringWriter output = new();
        TokenCommand.Print(tokens, all, output);
        return output.ToString().TrimEnd().Split(Environment.NewLine);
    }

    [Fact]
    public void Valid_tokens_are_listed_and_the_others_counted()
    {
        TokenReport once = Plain with { Id = 2, State = "used_up", Given = false, Admitted = 1, Uses = 1, Expires = DateTimeOffset.UnixEpoch.AddDays(7) };
        Assert.Equal(
            [
                "ID  STATE  ADMITTED  EXPIRES  ADDED                 IN TUNNELMESH_TOKEN",
                "1   valid  12        never    1970-01-01 00:00 UTC  yes",
                "One more admits nobody any more; --all shows it.",
            ],
            Print(all: false, Plain, once));
        Assert.Equal("2   used up  1 of 1    1970-01-08 00:00 UTC  1970-01-01 00:00 UTC  no", Print(all: true, Plain, once)[2]);
        Assert.Equal(["No token is valid, so no device can join. `tunnelmesh token create` makes one.", "2 more admit nobody any more; --all shows them."], Print(all: false, once, once));
    }

    [Fact]
    public void A_revocation_says_what_went_with_it_and_what_is_left_to_do()
    {
        Assert.Equal("Token 3 is revoked: it admits nobody any more, now and after a restart.", TokenCommand.Describe(Revoked));
        string all = TokenCommand.Describe(Revoked with { Given = true, FileRemoved = "/d/mesh-token", Problem = "P.", Devices = ["a", "b"], ValidTokens = 0 });
        Assert.All(["Revoked with it: a, b", "take it out of TUNNELMESH_TOKEN", "/d/mesh-token held it", "P.", "token create"], part => Assert.Contains(part, all, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("token create --expires soon", "`soon` is no duration for --expires: from 1m to 3650d")]
    [InlineData("token", "Which command of `tunnelmesh token`? `list`, `create`, `revoke`; `tunnelmesh token --help` shows them.")]
    [InlineData("token lst", "There is no command `lst` of `tunnelmesh token`. Did you mean `list`?")]
    [InlineData("tokens", "There is no command `tokens`. Did you mean `token`?")]
    [InlineData("token list --josn", "`tunnelmesh token list` has no flag `--josn`. Did you mean `--json`?")]
    [InlineData("token revoke", "`tunnelmesh token revoke --help`")]
    [InlineData("token revoke one", "`tunnelmesh token revoke --help`")]
    public async Task What_is_wrong_is_said_on_one_line(string line, string expected)
    {
        (int code, string output, string error) = await _cli.RunAsync(line.Split(' '));
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
    }
}
