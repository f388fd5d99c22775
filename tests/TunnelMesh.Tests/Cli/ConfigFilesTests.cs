using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Tests.Cli;

public sealed class ConfigFilesTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tm");

    public void Dispose() => _directory.Delete(recursive: true);

    private string Make(string name)
    {
        string path = Path.Combine(_directory.FullName, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, "");
        return path;
    }

    [Fact]
    public async Task What_the_environment_names_must_exist_for_what_reads_it()
    {
        string home = Path.Combine(_directory.FullName, "home"), missing = Path.Combine(_directory.FullName, "c.yaml");
        ProcessEnvironment environment = new() { UserHome = _directory.FullName, Home = home, Config = missing };
        foreach (string line in new[] { "init", "join 127.0.0.1:1", "context create work", "bugreport --output report.tar.gz", "service install --root " + _directory.FullName })
        {
            (int code, _, string error) = await CommandLine.RunInAsync(environment, line.Split(' '));
            Assert.Equal(3, code);
            Assert.StartsWith($"tunnelmesh: {missing} (from TUNNELMESH_CONFIG): no such file.", error, StringComparison.Ordinal);
        }
        Assert.Equal(7, (await CommandLine.RunInAsync(environment, "peers")).Code);
        Assert.False(Directory.Exists(home));

        ProcessEnvironment directory = new() { UserHome = _directory.FullName, Home = home, Config = _directory.FullName };
        Assert.Contains("is a directory, and TUNNELMESH_CONFIG takes a file.", (await CommandLine.RunInAsync(directory, "init")).Error, StringComparison.Ordinal);
        // What the message tells to do works in the same environment.
        Assert.Equal(0, (await CommandLine.RunInAsync(environment, "init", "--peer", "--output", missing)).Code);
        Assert.Equal(0, (await CommandLine.RunInAsync(environment, "init")).Code);
    }

    [Fact]
    public void The_search_takes_the_first_that_exists()
    {
        string home = Path.Combine(_directory.FullName, "home"), work = Path.Combine(_directory.FullName, "work");
        string context = Path.Combine(home, "contexts/default/config.yaml");
        string? Find(string? named = null) => ConfigFiles.Find(named, context, home, work);
        Assert.Null(Find());
        foreach (string name in new[] { "work/peer.yaml", "work/tunnelmesh.yaml", "home/config.yaml", "home/contexts/default/config.yaml" })
        {
            // From the last place to the first: each one found later is preferred.
            Assert.Equal(Make(name), Find());
        }
        Assert.Equal(Make("other.yaml"), Find(Path.Combine(_directory.FullName, "other.yaml")));
        Assert.Equal(Path.Combine(home, "contexts/default/config.yaml"), ConfigFiles.Find(null, context, home, workingDirectory: null));
        Assert.Contains("no such file", Assert.Throws<ConfigException>(() => Find("/nowhere/c.yaml")).Message, StringComparison.Ordinal);
    }
}
