namespace TunnelMesh.Platform;

/// <summary>What ended a wait for packets.</summary>
public enum WaitResult
{
    /// <summary>There is something to read.</summary>
    Ready,

    /// <summary>The time was over first, or a signal came; wait again.</summary>
    TimedOut,

    /// <summary>Stop was called: the reading thread ends.</summary>
    Stopped,
}
