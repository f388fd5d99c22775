namespace TunnelMesh.Protocol.Filter;

/// <summary>What a rule does with the packets it matches.</summary>
public enum FilterAction
{
    /// <summary>Lets them in.</summary>
    Allow,

    /// <summary>Drops them.</summary>
    Deny,
}
