using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Coordinator.Api;

/// <summary>Which peers this coordinator can talk with. Pure.</summary>
internal static class ProtocolVersions
{
    /// <summary>Why a peer that speaks these versions is refused, or null.</summary>
    internal static ErrorMessage? Refusal(int oldest, int newest) =>
        oldest <= ControlProtocol.Version && newest >= ControlProtocol.OldestVersion
            ? null
            : new ErrorMessage
            {
                Code = ControlErrorCodes.UnsupportedVersion,
                Message = $"This coordinator speaks protocol {ControlProtocol.OldestVersion} to {ControlProtocol.Version}, the peer {oldest} to {newest}. Update the older of the two.",
            };
}
