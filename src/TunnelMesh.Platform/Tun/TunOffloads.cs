namespace TunnelMesh.Platform.Tun;

/// <summary>What the system and this process leave undone for each other on a TUN device.</summary>
[Flags]
public enum TunOffloads
{
    /// <summary>Every packet crosses whole and finished.</summary>
    None = 0,

    /// <summary>Transport checksums may be left to the other side.</summary>
    Checksum = 1,

    /// <summary>TCP super-packets cross whole, IPv4 and IPv6 (TSO); brings <see cref="Checksum"/> along.</summary>
    Tcp = 2,

    /// <summary>Trains of UDP datagrams cross whole, IPv4 and IPv6 (USO, Linux 6.2 and later); brings <see cref="Checksum"/> along.</summary>
    Udp = 4,

    /// <summary>Everything there is.</summary>
    All = Checksum | Tcp | Udp,
}
