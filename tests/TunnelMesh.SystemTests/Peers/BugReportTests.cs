using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Peers;

/// <summary>A bug report of a running coordinator: all that helps, and none of its secrets.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class BugReportTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_has_the_answers_of_the_peer_and_neither_token_nor_keys()
    {
        Requirements.Programs("tar");
        string token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", token, Cancel), nas = await Peer.AddAsync(underlay, "nas", token, Cancel);
        await hub.JoinAsync(Cancel);
        await nas.JoinAsync(Cancel, $"{hub.Machine.Address}:8443");
        // The map comes to the coordinator's own device as to every other: a moment later.
        await hub.AskUntilAsync(peers => peers.GetArrayLength() == 1, Cancel, "peers");
        string log = Path.Combine(hub.Folder, "log"), file = Path.Combine(hub.Folder, "report.tar.gz");
        await File.WriteAllTextAsync(log, $"{hub.Program!.Output}\nTUNNELMESH_TOKEN={token}\n", Cancel);
        CommandResult made = await hub.AskAsync(Cancel, "bugreport", "--output", file, "--log", log, "--config", Path.Combine(hub.Folder, "config.yaml"));
        Assert.True(made.Succeeded, made.ToString());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        string text = await Command.RunAsync(["tar", "-xzOf", file], cancel: Cancel);
        string id = (await nas.AskJsonAsync(Cancel, "status")).GetProperty("device_id").GetString()!;
        Assert.All(["\"name\":\"hub\"", $"\"device_id\":\"{id}\"", "\"udp_port\":2223", $"coordinator.data_dir: {hub.Data}", "interface up", "tun-mesh0"], part => Assert.Contains(part, text, StringComparison.Ordinal));
        string context = Path.Combine(hub.Home, "contexts", "default");
        string[] secrets =
        [
            token, (await File.ReadAllTextAsync(Path.Combine(context, "device.key"), Cancel)).Trim(),
            .. (await File.ReadAllTextAsync(Path.Combine(hub.Home, "id_ed25519"), Cancel)).Split('\n').Where(l => l.Length > 0 && l[0] != '-'),
            .. (await File.ReadAllTextAsync(Path.Combine(context, "certificate.pem"), Cancel)).Split("-----END")[0].Split('\n').Where(l => l.Length > 0 && l[0] != '-'),
        ];
        Assert.All(secrets, secret => Assert.DoesNotContain(secret, text, StringComparison.OrdinalIgnoreCase));
    }
}
