namespace TunnelMesh.Node.LocalApi;

/// <summary>The packet filter of a peer. The JSON names are stable.</summary>
public sealed record FilterReport
{
    /// <summary>True when traffic that no rule is about is dropped.</summary>
    public required bool DefaultDeny { get; init; }
    /// <summary>All rules, layer by layer.</summary>
    public required IReadOnlyList<FilterRuleReport> Rules { get; init; }
    /// <summary>Names of the groups that rules may be about, built-in ones first.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];
    /// <summary>Flows whose packets pass because of who began them, and UDP flows that rules let in.</summary>
    public required int Flows { get; init; }
    /// <summary>Flows that had to give way to newer ones since the start.</summary>
    public required long FlowsPushedOut { get; init; }
}
