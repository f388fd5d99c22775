namespace TunnelMesh.Node.Filter;

/// <summary>Where a flow lies in the table, if it does.</summary>
/// <param name="Bucket">Which bucket.</param>
/// <param name="Tag">What it is known by there.</param>
internal readonly record struct FlowPlace(int Bucket, ushort Tag);
