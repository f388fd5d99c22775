namespace TunnelMesh.Platform.Exit;

/// <summary>A setting of the kernel as it was.</summary>
/// <param name="Path">Below <c>/proc/sys</c>; on macOS the name of the setting.</param>
/// <param name="Before">What it said.</param>
/// <param name="Ours">What it says now; whoever changes it meanwhile keeps theirs.</param>
public sealed record SavedSetting(string Path, string Before, string Ours);
