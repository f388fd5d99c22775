namespace TunnelMesh.Protocol.Identity;

/// <summary>
/// Roles in mesh certificates, as extended key usages (RFC 5280, 4.2.1.12). The arc is below 2.25 and kept under 64 bits,
/// because some systems' decoders refuse larger numbers.
/// </summary>
public static class MeshRoles
{
    /// <summary>A coordinator's server certificate carries this; a peer's never does.</summary>
    public const string CoordinatorOid = "2.25.4051935478926734912.1";

    /// <summary>A device's client certificate carries this.</summary>
    public const string DeviceOid = "2.25.4051935478926734912.2";
}
