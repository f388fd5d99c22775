using TunnelMesh.Cli;
using TunnelMesh.Cli.Commands;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Tests.Cli;

/// <summary>Runs command lines inside this process, with a home directory of their own.</summary>
internal sealed class CommandLine : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tm");

    /// <summary>TUNNELMESH_HOME.</summary>
    public string Home => Path.Combine(_directory.FullName, "home");

    /// <summary>A path outside the home.</summary>
    public string PathOf(string name) => Path.Combine(_directory.FullName, name);

    /// <summary>What the commands are made with.</summary>
    public CommandContext Context()
    {
        ProcessEnvironment environment = new() { Home = Home, UserHome = _directory.FullName };
        return new CommandContext(environment, new HomeLayout(environment, isRoot: false));
    }

    /// <summary>Runs one command line.</summary>
    public async Task<(int Code, string Output, string Error)> RunAsync(IEnumerable<string> arguments, string? token = null, string? server = null, string? level = null, string? proxy = null, bool isRoot = false)
    {
        using StringWriter output = new(), error = new();
        ProcessEnvironment environment = new() { Home = Home, UserHome = _directory.FullName, Token = token, Server = server, LogLevel = level, Proxy = name => name == "HTTPS_PROXY" ? proxy : null };
        int code = await Program.RunAsync([.. arguments], environment, isRoot, output, error);
        return (code, output.ToString(), error.ToString());
    }

    /// <summary>Runs one command line in an environment of the caller's.</summary>
    public static async Task<(int Code, string Output, string Error)> RunInAsync(ProcessEnvironment environment, params string[] arguments)
    {
        using StringWriter output = new(), error = new();
        int code = await Program.RunAsync(arguments, environment, isRoot: false, output, error);
        return (code, output.ToString(), error.ToString());
    }

    /// <summary>Runs one command line with an output of the caller's.</summary>
    public async Task<(int Code, string Error)> RunToAsync(IEnumerable<string> arguments, TextWriter output)
    {
        using StringWriter error = new();
        ProcessEnvironment environment = new() { Home = Home, UserHome = _directory.FullName };
        int code = await Program.RunAsync([.. arguments], environment, isRoot: false, output, error);
        return (code, error.ToString());
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
