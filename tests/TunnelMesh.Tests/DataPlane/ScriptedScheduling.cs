using TunnelMesh.Platform.Lanes;

namespace TunnelMesh.Tests.DataPlane;

/// <summary>A thread that ran and waited as a test says.</summary>
internal sealed class ScriptedScheduling : ThreadScheduling
{
    public TimeSpan Ran { get; set; }

    public TimeSpan Waited { get; set; }

    /// <summary>Where it runs; null when it may not choose.</summary>
    public int? Processor { get; set; } = 3;

    /// <summary>Whether somebody else has said where it runs.</summary>
    public bool Decided { get; set; }

    public bool Told { get; set; } = true;

    public int Looks { get; private set; }

    public int Stays { get; private set; }

    public int Roams { get; private set; }

    public int Frees { get; private set; }

    public override bool TryGetTimes(out TimeSpan ran, out TimeSpan waited)
    {
        Looks++;
        (ran, waited) = (Ran, Waited);
        return Told;
    }

    public override int? Stay()
    {
        Stays++;
        return Processor;
    }

    public override bool Roam()
    {
        Roams++;
        return !Decided;
    }

    public override void FreeHeirs() => Frees++;

    protected override void Dispose(bool disposing)
    {
    }
}
