using System.Reflection;
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
    [InlineData(null, "so it was revoked again: it admits nobody.")]
    [InlineData("The disk is full.", "nor revoked again (The disk is full). It may be valid, and nobody has seen it: tunnelmesh token list, then tunnelmesh token revoke 6")]
    public async Task A_token_that_nobody_could_see_is_revoked_again(string? problem, string expected)
    {
        foreach (string[] line in new string[][] { ["token", "create"], ["token", "create", "--json"] })
        {
            ILocalApiHandler peer = TokenMaker.Make(problem, out TokenMaker maker);
            await using LocalApiServer server = LocalApiServer.Start(peer, Path.Combine(_cli.Home, "default.sock"), TimeProvider.System);
            (int code, string error) = await _cli.RunToAsync(line, new FullDisk());
            Assert.Equal(1, code);
            Assert.StartsWith("tunnelmesh: Token 6 could not be written to standard output (No space left on device), ", error, StringComparison.Ordinal);
            Assert.Contains(expected, error, StringComparison.Ordinal);
            Assert.DoesNotContain(TokenMaker.Text, error, StringComparison.Ordinal);
            Assert.Equal([6L], maker.Revoked);
        }
    }

    [Fact]
    public async Task A_token_that_was_seen_stays()
    {
        ILocalApiHandler peer = TokenMaker.Make(null, out TokenMaker maker);
        await using LocalApiServer server = LocalApiServer.Start(peer, Path.Combine(_cli.Home, "default.sock"), TimeProvider.System);
        (int code, string output, string error) = await _cli.RunAsync(["token", "create"]);
        Assert.Equal((0, TokenMaker.Text), (code, output.Trim()));
        Assert.StartsWith("Token 6 admits any number of devices", error, StringComparison.Ordinal);
        Assert.Empty(maker.Revoked);
    }

    [Theory]
    [InlineData("token create --expires 0", "A token lives from one minute (1m) to ten years (3650d), or without an end.")]
    [InlineData("token create --expires 59s", "A token lives from one minute (1m) to ten years (3650d), or without an end.")]
    [InlineData("token create --expires 3651d", "A token lives from one minute (1m) to ten years (3650d), or without an end.")]
    [InlineData("token create --uses 0", "A token admits from 1 to 1000000 devices, or any number.")]
    [InlineData("token create --uses 1000001", "A token admits from 1 to 1000000 devices, or any number.")]
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

    /// <summary>Makes token 6.</summary>
    public class TokenMaker : DispatchProxy
    {
        public static string Text { get; } = new('a', 64);

        public IList<long> Revoked { get; } = [];

        private string? Problem { get; set; }

        internal static ILocalApiHandler Make(string? problem, out TokenMaker maker)
        {
            ILocalApiHandler made = Create<ILocalApiHandler, TokenMaker>();
            maker = (TokenMaker)made;
            maker.Problem = problem;
            return made;
        }

        /// <inheritdoc/>
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            if (targetMethod!.Name == nameof(ILocalApiHandler.CreateTokenAsync))
            {
                return Task.FromResult(new NewTokenReport { Id = 6, Token = Text, Expires = null, Uses = null });
            }
            Revoked.Add((long)args![0]!);
            return Problem is null ? Task.FromResult(TokenCommandTests.Revoked with { Id = 6 }) : throw new LocalApiException(LocalErrorCodes.Failed, Problem);
        }
    }

    private sealed class FullDisk : StringWriter
    {
        public override void Write(char value) => throw new IOException("No space left on device");

        public override void Write(char[] buffer, int index, int count) => throw new IOException("No space left on device");

        public override void Write(string? value) => throw new IOException("No space left on device");

        public override void WriteLine(string? value) => throw new IOException("No space left on device");
    }
}
