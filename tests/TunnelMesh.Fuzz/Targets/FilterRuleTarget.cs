using System.Text;
using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>Rules of the packet filter as text, four lines: what is taken reads back as itself and means nothing to a shell; what is refused says why, and steers no terminal.</summary>
internal static class FilterRuleTarget
{
    public static FuzzTarget Create() => new("filter-rule", Seeds(), Run);

    private static byte[][] Seeds() =>
    [
        "22\ntcp\nallow\nlaptop"u8.ToArray(),
        "8000-8100\nudp\ndeny\ngroup:everyone"u8.ToArray(),
        "\nicmp\ndeny\n"u8.ToArray(),
        "any\nany\nallow\nany"u8.ToArray(),
        "65535\n\nallow\n$(id)"u8.ToArray(),
        "22\ntcp\nallow\nANY"u8.ToArray(),
    ];

    private static void Run(ReadOnlyMemory<byte> input)
    {
        string[] lines = Encoding.UTF8.GetString(input.Span).Split('\n');
        if (!FilterRule.TryParse(lines[0], lines.ElementAtOrDefault(1), lines.ElementAtOrDefault(2), lines.ElementAtOrDefault(3), out FilterRule rule, out string problem))
        {
            Check.That(problem.Length is > 0 and < 300 && !problem.Any(char.IsControl), "no reason, or one that steers terminals");
            return;
        }

        string source = rule.Source.ToString();
        Check.That(rule.Ports.First <= rule.Ports.Last && (rule.Ports == PortRange.All || rule.Ports.First > 0), "ports that are none");
        Check.That(source.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or ':') && !source.StartsWith('-'), "a name for a shell");
        Check.That(FilterRule.TryParse(rule.Ports.ToString(), rule.ProtocolText, rule.ActionText, source, out FilterRule again, out _) && again == rule, "reads back as another rule");
    }
}
