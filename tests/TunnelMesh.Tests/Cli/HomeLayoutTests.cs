using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Tests.Cli;

/// <summary>Homes that cannot be: nothing is made elsewhere instead, and what needs none works.</summary>
public sealed class HomeLayoutTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("tm-home").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private string Make(string name)
    {
        string path = Path.Combine(_directory, name);
        File.WriteAllText(path, "");
        return path;
    }

    private ProcessEnvironment Environment(string kind) => kind switch
    {
        "missing" => new() { UserHome = Path.Combine(_directory, "none") },
        "unknown" => new() { UserHome = "" },
        "relative" => new() { UserHome = "here" },
        "relative name" => new() { UserHome = _directory, Home = "here" },
        "file" => new() { UserHome = _directory, Home = Make("file") },
        "below a file" => new() { UserHome = _directory, Home = Path.Combine(Make("file"), "home") },
        "own file" => new() { UserHome = Path.GetDirectoryName(Make(".tunnelmesh"))! },
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    [Theory]
    [InlineData("missing", "none does not exist. Set HOME to a directory that exists, or TUNNELMESH_HOME")]
    [InlineData("unknown", "HOME is not set, and the system knows no home directory of this user. Set HOME")]
    [InlineData("relative", "HOME is `here`, which is another directory wherever a command is given. Set HOME")]
    [InlineData("relative name", "TUNNELMESH_HOME is `here`, which is another directory wherever a command is given. Set it to the whole path of a directory.")]
    [InlineData("file", "file is no directory, so the files of this program cannot lie in it. Set TUNNELMESH_HOME to the path of a directory.")]
    [InlineData("below a file", "home cannot lie in it. Set TUNNELMESH_HOME to the path of a directory.")]
    [InlineData("own file", ".tunnelmesh is no directory, so the files of this program cannot lie in it. Move it away, or set TUNNELMESH_HOME")]
    public async Task A_home_that_cannot_be_is_refused_by_what_needs_one(string kind, string expected)
    {
        ProcessEnvironment environment = Environment(kind);
        string[] before = Directory.GetFileSystemEntries(_directory);
        foreach (string line in new[] { "init", "context list", "context create work", "cleanup --all", "join 127.0.0.1:1", "bugreport --output report.tar.gz" })
        {
            (int code, string output, string error) = await CommandLine.RunInAsync(environment, line.Split(' '));
            Assert.Equal((3, ""), (code, output));
            Assert.Contains(expected, error, StringComparison.Ordinal);
            Assert.Single(error.TrimEnd().Split('\n'));
        }
        Assert.Equal(before, Directory.GetFileSystemEntries(_directory));
        Assert.False(Directory.Exists("here"));
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("status --help")]
    [InlineData("version")]
    [InlineData("completion bash")]
    [InlineData("__complete 1 sta")]
    [InlineData("__complete 3 status --context w")]
    [InlineData("__complete 2 ping n")]
    public async Task What_needs_no_home_works_without(string line)
    {
        foreach (string kind in new[] { "missing", "relative name", "own file" })
        {
            (int code, string output, string error) = await CommandLine.RunInAsync(Environment(kind), line.Split(' '));
            Assert.Equal((0, ""), (code, error));
            Assert.Equal(line.StartsWith("__complete 3", StringComparison.Ordinal) || line.StartsWith("__complete 2", StringComparison.Ordinal), output.Length == 0);
        }
    }

    [Fact]
    public void A_home_is_whole_and_need_not_exist_yet()
    {
        Assert.Equal(Path.Combine(_directory, ".tunnelmesh"), new HomeLayout(new ProcessEnvironment { UserHome = _directory }, isRoot: false).Home);
        string named = Path.Combine(_directory, "a", "..", "b");
        Assert.Equal(Path.Combine(_directory, "b"), new HomeLayout(new ProcessEnvironment { UserHome = "", Home = named }, isRoot: false).Home);
    }

    [Fact]
    public void A_key_below_a_home_that_is_not_there_is_refused() => Assert.Contains("HOME is not set",
        Assert.Throws<HostException>(() => new HomeLayout(new ProcessEnvironment { UserHome = "", Home = _directory }, isRoot: false).Expand("~/key", "")).Message, StringComparison.Ordinal);

    [Fact]
    public void Root_asks_the_systems_peer_whatever_its_home() =>
        Assert.Equal([Path.Combine(HomeLayout.ServiceDirectory, "work.sock")], new HomeLayout(new ProcessEnvironment { UserHome = "" }, isRoot: true).ControlSockets("work"));
}
