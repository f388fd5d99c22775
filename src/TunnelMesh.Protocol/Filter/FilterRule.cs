namespace TunnelMesh.Protocol.Filter;

/// <summary>One rule of the packet filter. Immutable; two rules with the same fields are equal.</summary>
/// <param name="Ports">Ports at this device; <see cref="PortRange.All"/> for every port, and always for ICMP.</param>
/// <param name="Protocol">Which protocol.</param>
/// <param name="Action">Whether what matches passes.</param>
/// <param name="Source">Whose packets.</param>
public sealed record FilterRule(PortRange Ports, FilterProtocol Protocol, FilterAction Action, FilterSource Source)
{
    /// <summary>Rules of one layer at most.</summary>
    public const int MaxRules = 256;

    /// <summary>True when both are about the same packets, whatever they do with them.</summary>
    /// <param name="other">The other rule.</param>
    public bool IsAboutSame(FilterRule other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Ports == other.Ports && Protocol == other.Protocol && Source == other.Source;
    }

    /// <summary>Reads the four fields as people write them.</summary>
    /// <param name="port">A port, a range such as <c>8000-8100</c>, or empty for every port.</param>
    /// <param name="protocol"><c>tcp</c>, <c>udp</c>, <c>icmp</c> or <c>any</c>; empty is <c>any</c>.</param>
    /// <param name="action"><c>allow</c> or <c>deny</c>.</param>
    /// <param name="source">A device name, <c>group:NAME</c>, or empty for every peer.</param>
    /// <param name="rule">The rule, when the answer is true.</param>
    /// <param name="problem">What is wrong and what is expected; empty when the answer is true.</param>
    public static bool TryParse(string? port, string? protocol, string? action, string? source, out FilterRule rule, out string problem)
    {
        rule = null!;
        problem = "";
        if (!PortRange.TryParse(port, out PortRange ports))
        {
            problem = $"port: expected a port from 1 to 65535 or a range such as 8000-8100, found `{Shown(port)}`";
        }
        else if (ProtocolOf(protocol) is not { } known)
        {
            problem = $"protocol: expected tcp, udp, icmp or any, found `{Shown(protocol)}`";
        }
        else if (known == FilterProtocol.Icmp && ports != PortRange.All)
        {
            problem = "port: ICMP has no ports; leave it out";
        }
        else if (ActionOf(action) is not { } wanted)
        {
            problem = string.IsNullOrEmpty(action) ? "action: expected allow or deny, found nothing" : $"action: expected allow or deny, found `{Shown(action)}`";
        }
        else if (!FilterSource.TryParse(source, out FilterSource from))
        {
            problem = $"source_peer: expected a device name (letters, digits and hyphens), group:NAME, or nothing for every peer, found `{Shown(source)}`";
        }
        else
        {
            rule = new FilterRule(ports, known, wanted, from);
        }
        return problem.Length == 0;
    }

    /// <summary>The protocol as it is written: <c>tcp</c>, <c>udp</c>, <c>icmp</c> or <c>any</c>.</summary>
    public string ProtocolText => Protocol switch
    {
        FilterProtocol.Tcp => "tcp",
        FilterProtocol.Udp => "udp",
        FilterProtocol.Icmp => "icmp",
        _ => "any",
    };

    /// <summary>The action as it is written: <c>allow</c> or <c>deny</c>.</summary>
    public string ActionText => Action == FilterAction.Allow ? "allow" : "deny";

    private static FilterProtocol? ProtocolOf(string? text) => text switch
    {
        null or "" or "any" => FilterProtocol.Any,
        "tcp" => FilterProtocol.Tcp,
        "udp" => FilterProtocol.Udp,
        "icmp" => FilterProtocol.Icmp,
        _ => null,
    };

    private static FilterAction? ActionOf(string? text) => text switch
    {
        "allow" => FilterAction.Allow,
        "deny" => FilterAction.Deny,
        _ => null,
    };

    // A terminal shall not be told more than letters.
    private static string Shown(string? text)
    {
        string printable = new([.. (text ?? "").Take(60).Select(c => char.IsControl(c) ? '?' : c)]);
        return text?.Length > 60 ? printable + "..." : printable;
    }
}
