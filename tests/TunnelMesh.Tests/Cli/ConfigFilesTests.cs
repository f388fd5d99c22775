using TunnelMesh.Cli.Configuration;

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
        Assert.Contains("no such file", Assert.Throws<ConfigException>(() => Find("/nowhere/c.yaml")).Message, StringComparison.Ordinal);
    }
}
