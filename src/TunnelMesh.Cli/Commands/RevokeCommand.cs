using System.CommandLine;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>revoke</c>: throws a device or a user out of the mesh for good. Runs on a coordinator.</summary>
internal static class RevokeCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Argument<string> which = new("which") { Description = "Name, mesh address or device ID; with --user also a peer ID" };
        Option<bool> user = new("--user") { Description = "Revoke the user who owns it, with all devices" };
        Option<bool> yes = Confirmation.Yes();
        Option<string> context = commands.ContextOption();
        Option<bool> json = QueryCommand.Json();
        Command command = new("revoke", "Throw a device or a user out of the mesh for good (on a coordinator)") { which, user, yes, context, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            using LocalApiClient client = await QueryCommand.ConnectAsync(commands.Layout, parsed.GetValue(context)!, cancellation);
            bool whole = parsed.GetValue(user);
            IReadOnlyList<PeerReport> peers = await client.PeersAsync(cancellation);
            PeerReport[] devices = GoneDevice(peers, parsed.GetValue(which)!, whole) is { } gone ? [gone] : Find(peers, parsed.GetValue(which)!, whole);
            if (!parsed.GetValue(yes) && !Confirmation.Ask(Question(devices, whole), parsed.InvocationConfiguration.Error))
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync("Nothing was revoked.");
                return (int)ExitCode.General;
            }
            RevokeReport report = whole
                ? await client.RevokeUserAsync(devices[0].PeerId, cancellation)
                : await client.RevokeDeviceAsync(devices[0].DeviceId, cancellation);
            return QueryCommand.Write(parsed, json, report, LocalApiJson.Default.RevokeReport,
                output => output.WriteLine(whole ? $"Revoked user {report.PeerId} with: {string.Join(", ", report.Devices)}" : $"Revoked device {report.Devices[0]}."));
        });
        return command;
    }

    /// <summary>The device that is meant, or all devices of the user who is. An ID counts before an address and that before a name: names are chosen by
    /// members, and nobody shall be hit for another's name.</summary>
    /// <exception cref="LocalApiException">There is none, or it may mean two.</exception>
    internal static PeerReport[] Find(IReadOnlyList<PeerReport> peers, string which, bool user)
    {
        PeerReport[] byUser = user ? [.. peers.Where(p => Same(p.PeerId))] : [];
        PeerReport? byId = peers.FirstOrDefault(p => Same(p.DeviceId));
        PeerReport? byAddress = peers.FirstOrDefault(p => Same(p.MeshIp) || Same(p.MeshIp6));
        PeerReport? byName = peers.FirstOrDefault(p => Same(p.Name));
        PeerReport? device = byId ?? byAddress ?? byName;
        if ((byName is not null && device != byName) || (byUser.Length > 0 && device is not null && device.PeerId != byUser[0].PeerId))
        {
            throw new LocalApiException(LocalErrorCodes.Failed,
                $"`{which}` is the ID of one and the name of another, so nothing was revoked. Say which by its mesh address; `tunnelmesh peers` shows them.");
        }
        string? owner = byUser.Length > 0 ? byUser[0].PeerId : device?.PeerId;
        PeerReport[] found = user ? [.. peers.Where(p => p.PeerId == owner)] : device is null ? [] : [device];
        return found.Length > 0
            ? found
            : throw new LocalApiException(LocalErrorCodes.NotFound,
                $"No other device of the mesh {(user ? "or its user " : "")}is called `{which}`.{EditDistance.Hint(which, peers.Select(p => p.Name))} `tunnelmesh peers` lists them.");
        bool Same(string value) => value.Equals(which, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A device that is in the map no more, by its ID: it has left, and its key shall not come back. Null when it is not one.</summary>
    internal static PeerReport? GoneDevice(IReadOnlyList<PeerReport> peers, string which, bool user) =>
        !user && which.Length == DeviceId.TextLength && which.All(char.IsAsciiHexDigit) && !peers.Any(p => which.Equals(p.DeviceId, StringComparison.OrdinalIgnoreCase) || which.Equals(p.Name, StringComparison.OrdinalIgnoreCase))
            ? new PeerReport { Name = which, PeerId = "", DeviceId = which.ToLowerInvariant(), MeshIp = "has left", MeshIp6 = "", Online = false, Path = "none" }
            : null;

    private static string Question(PeerReport[] devices, bool user)
    {
        string names = string.Join(", ", devices.Select(d => $"{d.Name} ({d.MeshIp})"));
        return user
            ? $"Revoke user {devices[0].PeerId} with {names}? The identity key can never come back."
            : $"Revoke device {names}? Its device key can never come back.";
    }
}
