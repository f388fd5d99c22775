using System.Globalization;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Cli.Configuration;

/// <summary>Rules of the packet filter in a configuration.</summary>
internal static class ConfigRules
{
    private static readonly string[] Fields = ["port", "protocol", "action", "source_peer"];

    /// <summary>Reads a list of rules; null when it is no list.</summary>
    /// <exception cref="ConfigValueException">A rule cannot be used.</exception>
    public static IReadOnlyList<FilterRule>? Read(ConfigNode node)
    {
        if (node.Items is not { } items)
        {
            return null;
        }
        if (items.Count > FilterRule.MaxRules)
        {
            throw new ConfigValueException(items[FilterRule.MaxRules].Line, string.Create(CultureInfo.InvariantCulture, $"more than {FilterRule.MaxRules} rules; join ports to ranges, or peers to groups."));
        }
        return [.. items.Select(ReadRule)];
    }

    /// <summary>Reads a list of ports; null when it is none.</summary>
    public static IReadOnlyList<int>? ReadPorts(ConfigNode node, int most)
    {
        List<int> ports = [];
        foreach (ConfigNode item in node.Items ?? [])
        {
            if (item.Quoted || !ushort.TryParse(item.Scalar, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port) || port == 0)
            {
                return null;
            }
            ports.Add(port);
        }
        return node.Items is null || ports.Count > most ? null : [.. ports.Distinct()];
    }

    private static FilterRule ReadRule(ConfigNode item)
    {
        if (item.Fields is not { } fields)
        {
            throw new ConfigValueException(item.Line, $"expected a rule such as {{port: 22, protocol: tcp, action: allow}}, found `{item.Shown}`.");
        }
        Dictionary<string, ConfigField> known = [];
        foreach (ConfigField field in fields)
        {
            if (!Fields.Contains(field.Name))
            {
                throw new ConfigValueException(field.Line, $"unknown field `{field.Name}` of a rule. Did you mean `{EditDistance.Nearest(field.Name, Fields)}`?");
            }
            if (field.Value.Items is not null || field.Value.Fields is not null)
            {
                throw new ConfigValueException(field.Line, $"`{field.Name}` of a rule is one value, found `{field.Value.Display}`.");
            }
            if (!known.TryAdd(field.Name, field))
            {
                throw new ConfigValueException(field.Line, $"`{field.Name}` is given twice in one rule; keep one.");
            }
        }
        if (FilterRule.TryParse(Text("port"), Text("protocol"), Text("action"), Text("source_peer"), out FilterRule rule, out string problem))
        {
            return rule;
        }
        // The problem begins with the field it is about.
        string about = problem[..problem.IndexOf(':', StringComparison.Ordinal)];
        throw new ConfigValueException(known.TryGetValue(about, out ConfigField? wrong) ? wrong.Line : item.Line, problem + ".");

        string? Text(string name) => known.TryGetValue(name, out ConfigField? field) && !field.Value.IsAbsent ? field.Value.Scalar : null;
    }
}
