using System.Security.Cryptography;
using TunnelMesh.SystemTests.Machines;
using TunnelMesh.SystemTests.Peers;

namespace TunnelMesh.SystemTests.Nat;

/// <summary>coturn's clients ask a real coordinator.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class StunClientTests
{
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Coturns_client_is_told_its_address_by_every_address_of_a_coordinator()
    {
        Requirements.Programs("turnutils_stunclient");
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        NetworkNamespace client = await underlay.AddMachineAsync(Cancel);
        // A second address of the same network: an answer from the first would not be taken.
        await hub.Machine.IpAsync("address add 198.51.100.77/24 dev eth0", Cancel);
        await hub.JoinAsync(Cancel);
        foreach ((string server, string seen) in new[] { (hub.Machine.Address, client.Address), ("198.51.100.77", client.Address), (hub.Machine.Address6, client.Address6) })
        {
            await AskAsync(client, server, seen);
        }

        // An address that comes later is served, too.
        await hub.Machine.IpAsync("address add 198.51.100.78/24 dev eth0", Cancel);
        await hub.Program!.WaitForLineAsync("addresses of this machine changed", TimeSpan.FromSeconds(20), Cancel);
        await AskAsync(client, "198.51.100.78", client.Address);
    }

    [Fact]
    public async Task A_port_in_use_is_named_and_the_responder_can_be_switched_off()
    {
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        await using Peer hub = await Peer.AddAsync(underlay, "hub", Token, Cancel);
        using (NamespaceSocket.Bind(hub.Machine, System.Net.IPAddress.Any, 3478))
        {
            (int code, string output) = await hub.FailToJoinAsync(Cancel);
            Assert.Equal(8, code);
            Assert.Contains("UDP port 3478 is in use by", output, StringComparison.Ordinal);
            Assert.Contains("coordinator.stun_listen", output, StringComparison.Ordinal);
            Assert.Equal("10.42.0.1", await hub.JoinAsync(Cancel, coordinator: "stun_listen: off"));
        }
    }

    private static async Task AskAsync(NetworkNamespace client, string server, string seen)
    {
        CommandResult result = await client.TryRunAsync(["timeout", "10", "turnutils_stunclient", "-p", "3478", server], Cancel);
        Assert.Contains($"reflexive addr: {seen}:", result.Output.Replace("[", "", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal), StringComparison.Ordinal);
    }
}
