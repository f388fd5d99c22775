using System.Globalization;

namespace TunnelMesh.Protocol.Filter;

/// <summary>One port or a range of ports, both ends included.</summary>
/// <param name="First">The lowest port.</param>
/// <param name="Last">The highest port, at least <paramref name="First"/>.</param>
public readonly record struct PortRange(ushort First, ushort Last)
{
    /// <summary>Every port, 0 among them, which no rule can name.</summary>
    public static PortRange All { get; } = new(0, ushort.MaxValue);

    /// <summary>True when a port lies in the range.</summary>
    /// <param name="port">The port.</param>
    public bool Contains(ushort port) => port >= First && port <= Last;

    /// <summary>Reads <c>22</c> or <c>8000-8100</c>, 1 to 65535; empty and <c>any</c> are every port.</summary>
    /// <param name="text">The text.</param>
    /// <param name="range">The range, when the answer is true.</param>
    public static bool TryParse(string? text, out PortRange range)
    {
        range = All;
        if (string.IsNullOrEmpty(text) || text == "any")
        {
            return true;
        }
        int dash = text.IndexOf('-', StringComparison.Ordinal);
        if (!TryPort(dash < 0 ? text : text.AsSpan(0, dash), out ushort first) || !TryPort(dash < 0 ? text : text.AsSpan(dash + 1), out ushort last) || last < first)
        {
            return false;
        }
        range = new PortRange(first, last);
        return true;
    }

    /// <summary>What <see cref="TryParse"/> reads; empty for every port.</summary>
    public override string ToString() => this == All ? "" : First == Last
        ? First.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{First}-{Last}");

    private static bool TryPort(ReadOnlySpan<char> text, out ushort port) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port > 0;
}
