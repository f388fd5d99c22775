namespace TunnelMesh.Node.Dns;

/// <summary>Kinds of <see cref="DnsLookup"/>.</summary>
internal enum DnsLookupKind
{
    /// <summary>The name belongs to somebody else.</summary>
    Foreign,
    /// <summary>The name is in a zone of the mesh, and does not exist.</summary>
    Missing,
    /// <summary>The name exists.</summary>
    Found,
    /// <summary>The name is that of a zone itself.</summary>
    Apex,
}
