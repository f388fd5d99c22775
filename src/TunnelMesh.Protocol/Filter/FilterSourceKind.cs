namespace TunnelMesh.Protocol.Filter;

/// <summary>Whom a rule is about, the least specific first.</summary>
public enum FilterSourceKind
{
    /// <summary>Every peer.</summary>
    Any,

    /// <summary>The members of a group.</summary>
    Group,

    /// <summary>One peer.</summary>
    Peer,
}
