namespace TunnelMesh.Platform.Tun;

/// <summary>What a look at an interface of ours found, see <see cref="ITunDevice.Restore"/>.</summary>
/// <param name="PutBack">What somebody had changed and is as it was again, for people; empty where that was nothing.</param>
/// <param name="Problem">What is not as it has to be and could not be put back, and why, for people; null when all is well.</param>
public sealed record TunLook(IReadOnlyList<string> PutBack, string? Problem)
{
    /// <summary>All is as it has to be.</summary>
    public static TunLook Whole { get; } = new([], null);
}
