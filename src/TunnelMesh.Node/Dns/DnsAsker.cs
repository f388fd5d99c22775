namespace TunnelMesh.Node.Dns;

/// <summary>Whose question it is that is sent on: this machine's own, or that of a device of the mesh.</summary>
/// <param name="IsOwn">True for this machine.</param>
/// <param name="Device">Which device: the 32 bits in which both of its mesh addresses end; 0 for this machine.</param>
public readonly record struct DnsAsker(bool IsOwn, uint Device)
{
    /// <summary>This machine.</summary>
    public static DnsAsker Own { get; } = new(true, 0);

    /// <summary>The device of the mesh behind an address.</summary>
    public static DnsAsker Of(in DnsSource source) => new(false, (uint)source.Number);
}
