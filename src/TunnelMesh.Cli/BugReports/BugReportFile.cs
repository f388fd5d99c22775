namespace TunnelMesh.Cli.BugReports;

/// <summary>One file of a bug report as it was written. The JSON names are stable.</summary>
/// <param name="Name">Name in the archive.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="What">What it is.</param>
internal sealed record BugReportFile(string Name, int Bytes, string What);
