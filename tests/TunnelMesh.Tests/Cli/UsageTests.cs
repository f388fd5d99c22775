namespace TunnelMesh.Tests.Cli;

public sealed class UsageTests : IDisposable
{
    private readonly CommandLine _cli = new();

    public void Dispose() => _cli.Dispose();

    [Theory]
    [InlineData("versoin", "There is no command `versoin`. Did you mean `version`?")]
    [InlineData("stat", "Did you mean `status`?")]
    [InlineData("quack", "There is no command `quack`. `tunnelmesh --help` shows the commands.")]
    [InlineData("daemon status", "There is no command `daemon`. `tunnelmesh --help` shows the commands.")]
    [InlineData("service", "Which command of `tunnelmesh service`? `install`,")]
    [InlineData("service isntall", "There is no command `isntall` of `tunnelmesh service`. Did you mean `install`?")]
    [InlineData("join --nmae x", "`tunnelmesh join` has no flag `--nmae`. Did you mean `--name`?")]
    [InlineData("join --nmae", "`tunnelmesh join` has no flag `--nmae`. Did you mean `--name`?")]
    [InlineData("join host:1 --ca-pn=00", "`tunnelmesh join` has no flag `--ca-pn`. Did you mean `--ca-pin`?")]
    [InlineData("status --jsno", "Did you mean `--json`?")]
    [InlineData("resolve --jsno", "`tunnelmesh resolve` has no flag `--jsno`.")]
    [InlineData("status extra", "`extra` is one argument too many for `tunnelmesh status`.")]
    [InlineData("join a b", "`b` is one argument too many for `tunnelmesh join`.")]
    [InlineData("resolve", "Required argument missing for command: 'resolve'. `tunnelmesh resolve --help` shows what it takes.")]
    [InlineData("--log-level loud status", "Argument 'loud' not recognized. Must be one of: 'trace' 'debug' 'info' 'warn' 'error'.")]
    [InlineData("", "Which command? `tunnelmesh --help` shows them.")]
    public async Task What_is_wrong_is_said_on_one_line_with_what_was_probably_meant(string line, string expected)
    {
        (int code, string output, string error) = await _cli.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(2, code);
        Assert.Equal("", output);
        Assert.StartsWith("tunnelmesh: ", error, StringComparison.Ordinal);
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task A_token_on_the_command_line_is_refused_and_not_repeated()
    {
        string token = new('a', 64);
        foreach (string[] line in new string[][] { ["join", "host:1", "--token", token], ["join", $"--token={token}", "host:1"], ["join", "--token", token] })
        {
            (int code, _, string error) = await _cli.RunAsync(line);
            Assert.Equal(2, code);
            Assert.Contains("TUNNELMESH_TOKEN", error, StringComparison.Ordinal);
            Assert.DoesNotContain(token, error, StringComparison.Ordinal);
        }
    }
}
