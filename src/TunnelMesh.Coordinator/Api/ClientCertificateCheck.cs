using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Coordinator.Api;

/// <summary>Which device a client certificate stands for. Membership is not asked here. Thread-safe.</summary>
internal sealed class ClientCertificateCheck(MeshAuthority authority, TimeProvider time)
{
    /// <summary>The device ID, or null with the reason.</summary>
    /// <param name="certificate">As shown in the TLS handshake, which has proved its key; or null.</param>
    /// <param name="reason">For people and the log; empty when there is an ID.</param>
    internal string? DeviceOf(X509Certificate2? certificate, out string reason)
    {
        if (certificate is null)
        {
            reason = "it showed no certificate";
            return null;
        }
        // Only this coordinator issues, so certificates that came along are not needed, and none of them is looked at.
        if (!MeshCertificateValidator.Validate(certificate, [authority.Issuer], authority.Root, MeshRoles.DeviceOid, time.GetUtcNow(), out reason))
        {
            return null;
        }
        string name = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        if (name.Length != DeviceId.TextLength || !name.All(char.IsAsciiHexDigitLower))
        {
            reason = "its subject is not a device ID";
            return null;
        }
        return name;
    }
}
