namespace TunnelMesh.Cli.Commands;

/// <summary>How a device is pinged.</summary>
internal sealed record PingOptions
{
    /// <summary>Pings sent; null for no end.</summary>
    public int? Count { get; init; }
    /// <summary>From one ping to the next.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);
    /// <summary>The end after this long, whatever was reached; null for none.</summary>
    public TimeSpan? Timeout { get; init; }
    /// <summary>Ends as soon as an answer came directly, and fails without one.</summary>
    public bool UntilDirect { get; init; }
    /// <summary>JSON, a line each.</summary>
    public bool Json { get; init; }
}
