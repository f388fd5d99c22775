using System.Net;

namespace TunnelMesh.Node.Nat;

/// <summary>What came of asking a gateway.</summary>
/// <param name="External">The endpoint outside; null when there is none.</param>
/// <param name="Lifetime">How long the gateway keeps it.</param>
/// <param name="Problem">Why there is none, in a few words.</param>
internal sealed record MappingAttempt(IPEndPoint? External, TimeSpan Lifetime, string Problem)
{
    /// <summary>Nobody answered.</summary>
    public static MappingAttempt Silence { get; } = No("no answer");

    /// <summary>There is none.</summary>
    public static MappingAttempt No(string problem) => new(null, TimeSpan.Zero, problem);
}
