namespace TunnelMesh.Cli.BugReports;

/// <summary>One file of a bug report; its text may still hold secrets.</summary>
/// <param name="Name">Name in the archive.</param>
/// <param name="What">What it is, for the person who sends it.</param>
/// <param name="Text">Its text.</param>
internal sealed record BugReportPart(string Name, string What, string Text);
