using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace TunnelMesh.Cli.Configuration;

/// <summary>Reads a YAML file against <see cref="ConfigKeys"/>. Uses the event parser only: no reflection, and every value has its line.</summary>
internal static class ConfigReader
{
    private const int MaxDepth = 16;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="each">Told of every key that has a value, before it is checked; null for nobody.</param>
    /// <param name="defaults">What holds where the file says nothing, filled on return; null for the defaults of the table.</param>
    /// <exception cref="ConfigException">The file cannot be read, or is not a valid configuration.</exception>
    public static Settings ReadFile(string path, Action<ConfigKey, ConfigNode>? each = null, Settings? defaults = null)
    {
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > 1 << 20 })
            {
                throw new ConfigException($"{path}: larger than 1 MiB, this is no configuration of TunnelMesh.");
            }
            return Read(File.ReadAllText(path), path, each, defaults);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigException($"{path}: cannot be read: {e.Message}");
        }
    }

    /// <summary>Reads YAML text; empty text gives all defaults.</summary>
    /// <param name="yaml">The text.</param>
    /// <param name="file">Name for messages.</param>
    /// <param name="each">Told of every key that has a value, before it is checked; null for nobody.</param>
    /// <param name="defaults">What holds where the text says nothing, filled on return; null for the defaults of the table.</param>
    /// <exception cref="ConfigException">An unknown, ill-typed, doubled or not yet supported key, or no YAML at all.</exception>
    public static Settings Read(string yaml, string file, Action<ConfigKey, ConfigNode>? each = null, Settings? defaults = null)
    {
        Settings settings = defaults ?? new();
        try
        {
            Parser parser = new(new StringReader(yaml));
            parser.Consume<StreamStart>();
            if (parser.Accept<StreamEnd>(out _))
            {
                return settings;
            }
            parser.Consume<DocumentStart>();
            if (parser.Accept<MappingStart>(out _))
            {
                ReadMapping(parser, "", settings, file, each, [], 0);
            }
            else if (ReadValue(parser, file, 0) is { IsAbsent: false } other)
            {
                throw Error(file, other.Line, "expected `key: value` lines at the top level.");
            }
            parser.Consume<DocumentEnd>();
            if (!parser.Accept<StreamEnd>(out _))
            {
                throw Error(file, (int)parser.Current!.Start.Line, "a second YAML document begins; keep one.");
            }
        }
        catch (YamlException e)
        {
            throw Error(file, (int)e.Start.Line, $"not valid YAML: {e.Message}");
        }
        return settings;
    }

    private static void ReadMapping(Parser parser, string prefix, Settings settings, string file, Action<ConfigKey, ConfigNode>? each, HashSet<string> seen, int depth)
    {
        parser.Consume<MappingStart>();
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            if (!parser.TryConsume<Scalar>(out var key) || key is null)
            {
                throw Error(file, (int)parser.Current!.Start.Line, "a key must be a plain text.");
            }
            string path = prefix + key.Value;
            int line = (int)key.Start.Line;
            if (!seen.Add(path))
            {
                throw Error(file, line, $"`{path}` is given twice; keep one.");
            }
            ConfigKey? known = ConfigKeys.Find(path);
            bool section = known is null && ConfigKeys.IsSection(path);
            if (known is null && !section)
            {
                throw Error(file, line, Unknown(path));
            }
            if (section && parser.Accept<MappingStart>(out _))
            {
                ReadMapping(parser, path + ".", settings, file, each, seen, depth + 1);
                continue;
            }
            ConfigNode value = ReadValue(parser, file, depth + 1);
            if (section)
            {
                if (!value.IsAbsent)
                {
                    throw Error(file, value.Line, $"`{path}` is a section: expected keys below it, found `{value.Display}`.");
                }
                continue;
            }
            if (!value.IsAbsent)
            {
                each?.Invoke(known!, value);
            }
            Apply(known!, value, settings, file);
        }
    }

    private static string Unknown(string path) => path.Contains("token", StringComparison.OrdinalIgnoreCase)
        ? $"unknown key `{path}`. The mesh token is no part of a configuration: set it as TUNNELMESH_TOKEN in the environment."
        : $"unknown key `{path}`. Did you mean `{EditDistance.Nearest(path, ConfigKeys.All.Select(k => k.Path).Concat(ConfigKeys.Sections))}`?";

    private static void Apply(ConfigKey key, ConfigNode value, Settings settings, string file)
    {
        if (value.IsAbsent)
        {
            return;
        }
        if (!key.Supported)
        {
            string normal = key.Default.Trim('"');
            if (value.Display != normal || (key.Derived is not null))
            {
                string rest = key.Derived is null ? $" Remove it, or leave it at its default {key.Default}." : " Remove it.";
                throw Error(file, value.Line, $"`{key.Path}` is not yet supported in this version.{rest}");
            }
            return;
        }
        try
        {
            if (!key.Set(settings, value))
            {
                throw Error(file, value.Line, $"`{key.Path}`: expected {key.Type}, found `{value.Shown}`.");
            }
        }
        catch (ConfigValueException e)
        {
            throw Error(file, e.Line, $"`{key.Path}`: {e.Message}");
        }
    }

    private static ConfigNode ReadValue(Parser parser, string file, int depth)
    {
        if (parser.TryConsume<Scalar>(out var scalar) && scalar is not null)
        {
            return new ConfigNode((int)scalar.Start.Line, scalar.Value, scalar.Style is not ScalarStyle.Plain, null);
        }
        if (depth <= MaxDepth && parser.TryConsume<SequenceStart>(out var sequence) && sequence is not null)
        {
            List<ConfigNode> items = [];
            while (!parser.TryConsume<SequenceEnd>(out _))
            {
                items.Add(ReadValue(parser, file, depth + 1));
            }
            return new ConfigNode((int)sequence.Start.Line, null, false, items);
        }
        if (depth <= MaxDepth && parser.TryConsume<MappingStart>(out var mapping) && mapping is not null)
        {
            List<ConfigField> fields = [];
            while (!parser.TryConsume<MappingEnd>(out _))
            {
                if (!parser.TryConsume<Scalar>(out var name) || name is null)
                {
                    throw Error(file, (int)parser.Current!.Start.Line, "a key must be a plain text.");
                }
                fields.Add(new ConfigField(name.Value, (int)name.Start.Line, ReadValue(parser, file, depth + 1)));
            }
            return new ConfigNode((int)mapping.Start.Line, ConfigNode.Mapping, true, null) { Fields = fields };
        }
        throw Error(file, (int)(parser.Current?.Start.Line ?? 0), "anchors, aliases and deeper nesting have no use here; write the value out.");
    }

    private static ConfigException Error(string file, int line, string message) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{file}:{line}: {message}"));
}
