using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Platform.Routes;

/// <summary>An interface as the kernel has it.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Up">Whether it is up.</param>
/// <param name="Mtu">The largest packet in bytes.</param>
/// <param name="Addresses">Its addresses that can be used, of both families.</param>
/// <param name="Routes">The prefixes that the main table of either family leads into it.</param>
internal sealed record LinkState(string Name, bool Up, int Mtu, IReadOnlyList<TunAddress> Addresses, IReadOnlyList<System.Net.IPNetwork> Routes);
