using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Coordinator.Registry;

/// <summary>Where and how a device may be reached; null leaves a field of its entry as it is.</summary>
/// <param name="Endpoints">Checked UDP endpoints, best first.</param>
/// <param name="Transports">Checked transports in order of preference.</param>
/// <param name="ProgramVersion">For display.</param>
/// <param name="SshPort">TCP port of the SSH transport, 0 for none.</param>
/// <param name="AllowsExit">Whether it lets others' traffic out to the internet.</param>
internal sealed record Reachability(IReadOnlyList<string> Endpoints, IReadOnlyList<string>? Transports, string? ProgramVersion, int SshPort = 0, bool? AllowsExit = null)
{
    /// <summary>True when an entry says the same.</summary>
    internal bool IsOf(MapDevice device) =>
        Endpoints.SequenceEqual(device.Endpoints) && SshPort == device.SshPort && (Transports is null || Transports.SequenceEqual(device.Transports)) &&
        (ProgramVersion is null || ProgramVersion == device.ProgramVersion) && (AllowsExit ?? device.AllowsExit) == device.AllowsExit;
}
