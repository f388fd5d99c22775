using TunnelMesh.SystemTests.Dns;
using TunnelMesh.SystemTests.Exit;
using TunnelMesh.SystemTests.Guides;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Paths;
using TunnelMesh.SystemTests.WireGuard;
using Xunit.Sdk;
using Xunit.v3;

// Most tests wait for peers, timers and machines that boot, and leave the processor idle: three at a time fill two cores.
[assembly: Parallelization(MaxThreads = 4)]
[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace TunnelMesh.SystemTests.Machines;

/// <summary>Begins with the classes whose tests take minutes, so that none of them runs alone at the end.</summary>
internal sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Long =
    [
        .. new[]
        {
            typeof(NetworkChangeTests), typeof(ExitCaptureTests), typeof(RekeyInteropTests), typeof(ExitIptablesTests), typeof(NameServiceTests),
            typeof(PathChangeTests), typeof(ExitTests), typeof(GuideTests), typeof(NatTests),
        }.Select(type => $" {type.FullName}"),
    ];

    /// <inheritdoc/>
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : notnull, ITestCollection =>
        [.. testCollections.OrderBy(c => Place(c)).ThenBy(c => c.TestCollectionDisplayName, StringComparer.Ordinal)];

    private static int Place(ITestCollection collection)
    {
        int place = Array.FindIndex(Long, name => collection.TestCollectionDisplayName.Contains(name, StringComparison.Ordinal));
        return place < 0 ? Long.Length : place;
    }
}
