namespace TunnelMesh.Protocol.Dns;

/// <summary>What a datagram turned out to be.</summary>
public enum DnsQueryStatus
{
    /// <summary>No query at all: too short, or an answer. Nothing is ever sent back, so two servers cannot talk each other to death.</summary>
    NoQuery,
    /// <summary>A query that breaks the rules: FORMERR.</summary>
    Malformed,
    /// <summary>A query of a kind that is not served (NOTIFY, UPDATE, ...): NOTIMP.</summary>
    OtherOperation,
    /// <summary>A query.</summary>
    Sound,
}
