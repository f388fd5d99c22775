namespace TunnelMesh.Platform.Journals;

/// <summary>What became of a change of the system that a process before this one left behind.</summary>
/// <param name="Text">What was undone, what stays, or what could not be undone and why, for people.</param>
/// <param name="IsUndone">False where the change is in force still, or where nobody knows what it was.</param>
public sealed record Recovery(string Text, bool IsUndone);
