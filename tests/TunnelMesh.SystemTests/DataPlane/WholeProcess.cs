namespace TunnelMesh.SystemTests.DataPlane;

/// <summary>Tests that count what the whole process does, memory or exceptions: nothing runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class WholeProcess
{
    /// <summary>Of the collection.</summary>
    public const string Name = "whole process";
}
