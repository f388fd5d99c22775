using System.CommandLine;
using System.CommandLine.Completions;
using Microsoft.Extensions.Logging;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Cli.Logging;

namespace TunnelMesh.Cli.Commands;

/// <summary>What every command has at hand: environment, files, and the flags before and after the verb.</summary>
internal sealed class CommandContext
{
    /// <summary>Makes it for one command line.</summary>
    /// <param name="environment">The environment.</param>
    /// <param name="layout">Where files lie.</param>
    public CommandContext(ProcessEnvironment environment, HomeLayout layout)
    {
        Environment = environment;
        Layout = layout;
        Level.AcceptOnlyFromAmong([.. LogLevels.Names]);
    }

    /// <summary>The environment.</summary>
    public ProcessEnvironment Environment { get; }

    /// <summary>Where files lie.</summary>
    public HomeLayout Layout { get; }

    /// <summary>The contexts of this home.</summary>
    public ContextStore Contexts => new(Layout);

    /// <summary>What <c>--context</c> is: the context that a command is about.</summary>
    public Option<string> ContextOption()
    {
        Option<string> option = new("--context") { Description = "Context of the peer (default: the one in use, see `context use`)", HelpName = "NAME", DefaultValueFactory = _ => Layout.ActiveContext };
        option.CompletionSources.Add(_ => Contexts.Names().Select(n => new CompletionItem(n)));
        return option;
    }

    /// <summary>The same command line, about another home.</summary>
    /// <param name="environment">The environment.</param>
    /// <param name="layout">Where files lie.</param>
    public CommandContext At(ProcessEnvironment environment, HomeLayout layout) => new(environment, layout) { Config = Config };

    /// <summary>The flag that names a context in a line for people to type; empty where it may be left out.</summary>
    public string Flag(string context) => ContextName.Flag(context, Layout.ActiveContext);

    /// <summary><c>--config</c>.</summary>
    public Option<string?> Config { get; private init; } =
        new(ConfigFiles.Flag, "-c") { Description = "Configuration file (default: TUNNELMESH_CONFIG, then the places in docs/cli.md)", Recursive = true, HelpName = "FILE" };

    /// <summary><c>--log-level</c>.</summary>
    public Option<string?> Level { get; } = new("--log-level", "-l") { Description = "trace, debug, info, warn or error (default: TUNNELMESH_LOG_LEVEL, then the configuration)", Recursive = true };

    /// <summary>Refuses a <c>--config</c> that names no file, whether the command would read it or not: whoever names one means it to count.</summary>
    /// <exception cref="ConfigException">It does not exist.</exception>
    public void CheckConfig(ParseResult parsed)
    {
        if (parsed.GetValue(Config) is not { } file || File.Exists(file))
        {
            return;
        }
        bool count = parsed.CommandResult.Command.Name == PingCommand.Name && file.All(char.IsAsciiDigit);
        throw new ConfigException(count ? $"{file}: no such file, and `-c` is short for `--config`. To send {file} pings: `--count {file}`." : ConfigFiles.Missing(file, ConfigFiles.Flag));
    }

    /// <summary>Reads the configuration that holds for a context.</summary>
    /// <exception cref="ConfigException">The file named does not exist, or a file cannot be used.</exception>
    public Settings LoadSettings(ParseResult parsed, string context)
    {
        string? file = FindConfig(parsed, context);
        Settings defaults = ContextDefaults.Of(context, Contexts.NumberOf(context));
        return file is null ? defaults : ConfigReader.ReadFile(file, defaults: defaults);
    }

    /// <summary>The configuration file that holds for a context, or null for none.</summary>
    /// <exception cref="ConfigException">The file named does not exist.</exception>
    public string? FindConfig(ParseResult parsed, string context)
    {
        string? flag = parsed.GetValue(Config);
        return ConfigFiles.Find(flag ?? Environment.Config, Layout.ContextConfig(context), Layout.Home, WorkingDirectory.Find(), flag is null ? ConfigFiles.Variable : ConfigFiles.Flag);
    }

    /// <summary>True for a file that is found without being named, from whatever directory.</summary>
    public bool IsUsual(string config, string context) => config == Layout.ContextConfig(context) || config == Path.Combine(Layout.Home, "config.yaml");

    /// <summary>The log level that holds.</summary>
    /// <exception cref="ConfigException">The environment names no level.</exception>
    public LogLevel ChooseLevel(ParseResult parsed, Settings settings) =>
        LogLevels.Choose(parsed.GetValue(Level), Environment.LogLevel, settings.LogLevel);
}
