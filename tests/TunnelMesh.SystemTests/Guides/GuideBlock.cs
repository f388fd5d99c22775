namespace TunnelMesh.SystemTests.Guides;

/// <summary>What a guide has somebody do on one machine.</summary>
/// <param name="Line">Line of the guide at which it begins, from 1.</param>
/// <param name="Machine">Name of the machine.</param>
/// <param name="Text">What a shell gets; empty for an interruption.</param>
internal sealed record GuideBlock(int Line, string Machine, string Text)
{
    /// <summary>The code it ends with.</summary>
    public int Code { get; init; }

    /// <summary>Goes on until it is interrupted, and has begun when it says that it is connected.</summary>
    public bool Background { get; init; }

    /// <summary>Ctrl-C for what goes on there.</summary>
    public bool Interrupt { get; init; }
}
