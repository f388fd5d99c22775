using System.CommandLine;
using TunnelMesh.Cli;
using TunnelMesh.Cli.Commands;
using TunnelMesh.Cli.Configuration;

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
    [InlineData("ping nas -n 3", "`tunnelmesh ping` has no flag `-n`. Did you mean `--count`?")]
    [InlineData("ping nas -i 2", "`tunnelmesh ping` has no flag `-i`. Did you mean `--interval`?")]
    [InlineData("ping nas --count x", "`x` is no number for `--count`: expected a whole number up to 2147483647. `tunnelmesh ping --help`")]
    [InlineData("ping nas --count 9999999999", "`9999999999` is no number for `--count`: expected a whole number up to 2147483647.")]
    [InlineData("ping nas --count", "The value of `--count` is missing. `tunnelmesh ping --help` shows what it takes.")]
    [InlineData("--log-level", "The value of `--log-level` is missing. `tunnelmesh --help`")]
    [InlineData("-l", "The value of `-l` is missing.")]
    [InlineData("token --log-level", "The value of `--log-level` is missing. `tunnelmesh token --help`")]
    [InlineData("filter add --port 22 --source-peer=", "The value of `--source-peer` is missing.")]
    [InlineData("filter add --port", "The value of `--port` is missing.")]
    [InlineData("ping nas --until-direct=soon", "`soon` is one argument too many for `tunnelmesh ping`.")]
    [InlineData("token create --uses few", "`few` is no number for `--uses`: expected a whole number up to")]
    [InlineData("token revoke first", "`first` is no number for id: expected a whole number up to")]
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

    [Theory]
    [InlineData("`--source-peer`", "filter", "add", "--port", "22", "--protocol", "tcp", "--source-peer", "")]
    [InlineData("`--port`", "filter", "add", "--port", "", "--action", "allow")]
    [InlineData("`--protocol`", "filter", "remove", "--protocol", " ")]
    [InlineData("`--action`", "filter", "add", "--action", "")]
    [InlineData("`--ttl`", "filter", "add", "--port", "22", "--ttl", "")]
    [InlineData("`--expires`", "token", "create", "--expires", "")]
    [InlineData("`--uses`", "token", "create", "--uses", "")]
    [InlineData("ID", "token", "revoke", "")]
    [InlineData("WHICH", "revoke", "", "--yes")]
    [InlineData("GROUP", "group", "create", "")]
    [InlineData("MEMBER", "group", "add-member", "ops", "")]
    [InlineData("CONTEXT", "context", "use", "")]
    [InlineData("`--context`", "status", "--context", "")]
    [InlineData("`--log-level`", "--log-level", "", "status")]
    [InlineData("SERVER", "join", "")]
    [InlineData("`-n`", "join", "-n", "")]
    [InlineData("`--exit-node`", "join", "--exit-node", "")]
    [InlineData("`--with`", "transport", "nas", "--with", "")]
    [InlineData("PEER", "ping", "")]
    [InlineData("`--log`", "bugreport", "--log", "")]
    [InlineData("`--output`", "bugreport", "--output", "")]
    [InlineData("`--output`", "man", "--output", "")]
    [InlineData("`--output`", "init", "--peer", "--output", "")]
    [InlineData("`--root`", "service", "install", "--root", "")]
    [InlineData("`--root`", "trust-ca", "--root", "")]
    [InlineData("`--config`", "version", "--config", "")]
    [InlineData("`--config`", "--config", " ", "peers")]
    [InlineData("`--user`", "service", "status", "--user", "")]
    public async Task An_empty_value_is_refused_everywhere_since_what_is_left_out_stands_for_everything(string what, params string[] arguments)
    {
        (int code, string output, string error) = await _cli.RunAsync(arguments);
        Assert.Equal((2, ""), (code, output));
        Assert.StartsWith($"tunnelmesh: {what} is empty, as a variable that is not set leaves it: give it a value, or leave it out.", error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    [Theory]
    [InlineData("ping nas -c 3", "3: no such file, and `-c` is short for `--config`. To send 3 pings: `--count 3`.")]
    [InlineData("ping nas -c three", "three: no such file. `tunnelmesh init --peer --output three` writes one.")]
    [InlineData("status --config 3", "3: no such file. `tunnelmesh init")]
    [InlineData("--config nowhere.yaml peers", "nowhere.yaml: no such file.")]
    [InlineData("peers --config .", ". is a directory, and --config takes a file. Name the file in it.")]
    [InlineData("transport nas --config nowhere.yaml", "nowhere.yaml: no such file.")]
    public async Task A_configuration_that_is_named_must_exist_whatever_the_command(string line, string expected)
    {
        (int code, string output, string error) = await _cli.RunAsync(line.Split(' '));
        Assert.Equal((3, ""), (code, output));
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--context work status", "`--context` stands behind the command: `tunnelmesh status --context NAME`.")]
    [InlineData("service --context=work status", "`--context` stands behind the command: `tunnelmesh service status --context NAME`.")]
    [InlineData("--json peers", "`--json` stands behind the command: `tunnelmesh peers --json`.")]
    [InlineData("--context work", "`--context` stands behind the command that it is for. `tunnelmesh --help`")]
    [InlineData("--until-direct status", "`tunnelmesh status` has no flag `--until-direct`. `tunnelmesh status --help`")]
    [InlineData("resolve -- --json", "`tunnelmesh resolve` has no flag `--json`. `tunnelmesh resolve --help`")]
    public async Task A_flag_in_the_wrong_place_is_told_its_place(string line, string expected)
    {
        (int code, _, string error) = await _cli.RunAsync(line.Split(' '));
        Assert.Equal(2, code);
        Assert.StartsWith($"tunnelmesh: {expected}", error, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_written_is_never_suggested()
    {
        Assert.Equal("", EditDistance.Hint("default", ["default"]));
        Assert.Equal(" Did you mean `work`?", EditDistance.Hint("Work", ["Work", "work"]));
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
