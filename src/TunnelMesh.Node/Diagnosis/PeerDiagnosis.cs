namespace TunnelMesh.Node.Diagnosis;

/// <summary>What is most likely wrong between two devices.</summary>
/// <param name="Cause">The cause.</param>
/// <param name="Summary">The cause in a sentence.</param>
/// <param name="Help">What would help; null where nothing has to.</param>
public sealed record PeerDiagnosis(DiagnosisCause Cause, string Summary, string? Help);
