namespace TunnelMesh.Protocol.PortMapping;

/// <summary>Opcodes of PCP that this program uses (RFC 6887 section 19.3).</summary>
public enum PcpOpcode : byte
{
    /// <summary>ANNOUNCE: the gateway says that it has started anew.</summary>
    Announce = 0,
    /// <summary>MAP.</summary>
    Map = 1,
}
