namespace TunnelMesh.Node.Dns;

/// <summary>What a zone knows about a name.</summary>
/// <param name="Kind">Of which kind the answer is.</param>
/// <param name="Node">What is at the name, when it exists.</param>
/// <param name="Apex">Offset, within the name, of the zone it belongs to.</param>
internal readonly record struct DnsLookup(DnsLookupKind Kind, DnsNode? Node, int Apex);
