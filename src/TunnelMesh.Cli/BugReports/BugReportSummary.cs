namespace TunnelMesh.Cli.BugReports;

/// <summary>What `bugreport` has written. The JSON names are stable.</summary>
internal sealed record BugReportSummary
{
    /// <summary>The archive.</summary>
    public required string File { get; init; }
    /// <summary>What is in it.</summary>
    public required IReadOnlyList<BugReportFile> Files { get; init; }
    /// <summary>Parts that were or looked like secrets and were left out.</summary>
    public required int LeftOut { get; init; }
}
