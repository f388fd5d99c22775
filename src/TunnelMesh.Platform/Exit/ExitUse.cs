using System.Net;

namespace TunnelMesh.Platform.Exit;

/// <summary>What a device needs whose traffic leaves through another.</summary>
/// <param name="Interface">The mesh's interface.</param>
/// <param name="Source4">Its IPv4 address; null for none, and IPv4 then leads nowhere.</param>
/// <param name="Source6">The same of IPv6.</param>
/// <param name="Mark">Mark of the mesh's own packets, which go on as before; 0 where packets are not marked.</param>
/// <param name="LanAccess">Whether private networks that this machine is connected to stay reachable.</param>
/// <param name="KillSwitch">Whether everything else is kept from leaving, also without the process.</param>
/// <param name="Range4">The mesh's IPv4 range, which is never reached but by its interface.</param>
/// <param name="Range6">The same of IPv6.</param>
public sealed record ExitUse(string Interface, IPAddress? Source4, IPAddress? Source6, uint Mark, bool LanAccess, bool KillSwitch, IPNetwork Range4, IPNetwork Range6);
