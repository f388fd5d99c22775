using System.Globalization;
using System.Security.Cryptography;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;
using TunnelMesh.Tests.Coordinator;
using TunnelMesh.Tests.NodeControl;

namespace TunnelMesh.Tests.Cli;

/// <summary>What `group` answers, on a real coordinator.</summary>
public sealed class GroupReportsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<string> RefusedAsync(string code, Task asking)
    {
        LocalApiException e = await Assert.ThrowsAsync<LocalApiException>(() => asking);
        Assert.Equal(code, e.Code);
        return e.Message;
    }

    [Fact]
    public async Task Groups_are_made_and_users_put_into_them_by_peer_ID_or_by_a_device_of_theirs()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        JoinRequest first = mesh.Request("laptop");
        JoinRequest second = first with { Device = DeviceKey.Generate(RandomNumberGenerator.Fill), Name = "phone" };
        mesh.Run(first, (await mesh.JoinAsync(first)).Certificate);
        mesh.Run(second, (await mesh.JoinAsync(second)).Certificate);
        TestPeer guest = await mesh.PeerAsync("guest");
        NetworkMap map = await guest.UntilAsync(m => m.Devices.Count == 3);
        string user = map.ByName["laptop"].Wire.User, own = map.ByName["guest"].Id;
        GroupReports reports = new(map, own, mesh.Server.Groups);

        Assert.Equal(["everyone True 2", "all_admin_users True 0", "all_service_users True 0"], await ListAsync());
        Assert.Equal("ops", (await reports.CreateAsync("Ops", Cancel)).Group);
        GroupChangeReport added = await reports.SetMemberAsync("OPS", "phone", true, Cancel);
        Assert.Equal(("ops", user, "laptop phone"), (added.Group, added.PeerId, string.Join(' ', added.Devices)));
        Assert.Equal(["everyone True 2", "all_admin_users True 0", "all_service_users True 0", "ops False 1"], await ListAsync());
        Assert.Equal(["laptop", "phone"], Assert.Single(await reports.MembersAsync("ops", Cancel)).Devices);
        Assert.Equal(["guest", "laptop phone"], (await reports.MembersAsync("everyone", Cancel)).Select(m => string.Join(' ', m.Devices)).Order(StringComparer.Ordinal));
        Assert.Equal($"The user {user} is in `ops` already.", await RefusedAsync(LocalErrorCodes.Failed, reports.SetMemberAsync("ops", map.ByName["laptop"].Wire.Ip, true, Cancel)));
        Assert.Equal(user, (await reports.SetMemberAsync("ops", user.ToUpperInvariant(), false, Cancel)).PeerId);
        Assert.StartsWith($"The user {user} is not in `ops`;", await RefusedAsync(LocalErrorCodes.Failed, reports.SetMemberAsync("ops", "laptop", false, Cancel)), StringComparison.Ordinal);
        Assert.Equal(map.ByName["guest"].Wire.User, (await reports.SetMemberAsync("ops", own, true, Cancel)).PeerId);

        // One who has no device any more is still a member, and is taken out by peer ID.
        await reports.SetMemberAsync("ops", "laptop", true, Cancel);
        await mesh.Server.RevokeDeviceAsync(map.ByName["laptop"].Id, Cancel);
        await mesh.Server.RevokeDeviceAsync(map.ByName["phone"].Id, Cancel);
        reports = new(await guest.UntilAsync(m => m.Devices.Count == 1), own, mesh.Server.Groups);
        Assert.Contains((await reports.MembersAsync("ops", Cancel)), m => m.PeerId == user && m.Devices.Count == 0);
        Assert.StartsWith("No device of the mesh is called", await RefusedAsync(LocalErrorCodes.NotFound, reports.SetMemberAsync("ops", "laptop", false, Cancel)), StringComparison.Ordinal);
        GroupChangeReport away = await reports.SetMemberAsync("ops", user, false, Cancel);
        Assert.Equal((user, 0), (away.PeerId, away.Devices.Count));
        Assert.Equal("ops", (await reports.DeleteAsync("Ops", Cancel)).Group);
        Assert.Empty(await mesh.Server.Groups.LoadAsync(Cancel));

        async Task<string[]> ListAsync() => [.. (await reports.ListAsync(Cancel)).Select(g => string.Create(CultureInfo.InvariantCulture, $"{g.Name} {g.BuiltIn} {g.Members}"))];
    }

    [Fact]
    public async Task What_cannot_be_done_says_why_and_which_groups_there_are()
    {
        await using TestMesh mesh = await TestMesh.StartAsync();
        MapDevice laptop = NetworkMapTests.Device("laptop", 1), known = laptop with { Groups = ["all_admin_users"] };
        // Whoever calls a device by another's peer ID gets no rights by it.
        MapDevice posing = NetworkMapTests.Device(laptop.User, 2);
        NetworkMap map = NetworkMap.FromFull(NetworkMapTests.Full(known, posing), new byte[32], null, new KeyPins(new Dictionary<string, string>(), _ => { }), DateTimeOffset.UnixEpoch.AddYears(50)).Map;
        Assert.Equal(2, map.Devices.Count);
        GroupReports reports = new(map, "", mesh.Server.Groups);
        await reports.CreateAsync("ops", Cancel);

        Assert.Equal("There is no group `opps`. Did you mean `ops`? There are everyone, all_admin_users, all_service_users, ops.", await RefusedAsync(LocalErrorCodes.NotFound, reports.MembersAsync("opps", Cancel)));
        Assert.Equal("There is no group `zzzzzz`. There are everyone, all_admin_users, all_service_users, ops.", await RefusedAsync(LocalErrorCodes.NotFound, reports.DeleteAsync("zzzzzz", Cancel)));
        Assert.StartsWith("`a b` is no name for a group", await RefusedAsync(LocalErrorCodes.BadRequest, reports.SetMemberAsync("a\u001bb", "laptop", true, Cancel)), StringComparison.Ordinal);
        Assert.StartsWith("There is a group `ops` already", await RefusedAsync(LocalErrorCodes.Failed, reports.CreateAsync("OPS", Cancel)), StringComparison.Ordinal);
        Assert.Equal("`everyone` is built in: every mesh has it.", await RefusedAsync(LocalErrorCodes.BadRequest, reports.CreateAsync("everyone", Cancel)));
        Assert.Equal("`everyone` is built in: it cannot be deleted.", await RefusedAsync(LocalErrorCodes.BadRequest, reports.DeleteAsync("everyone", Cancel)));
        Assert.StartsWith("`everyone` is built in: nobody chooses who is in it.", await RefusedAsync(LocalErrorCodes.BadRequest, reports.SetMemberAsync("everyone", "laptop", true, Cancel)), StringComparison.Ordinal);
        Assert.StartsWith("`all_admin_users` is built in: coordinator.admin_peers", await RefusedAsync(LocalErrorCodes.BadRequest, reports.SetMemberAsync("all_admin_users", "laptop", true, Cancel)), StringComparison.Ordinal);
        Assert.Equal(laptop.User, Assert.Single(await reports.MembersAsync("all_admin_users", Cancel)).PeerId);

        Assert.StartsWith($"`{laptop.User}` may mean more than one user, so nothing was changed.", await RefusedAsync(LocalErrorCodes.Failed, reports.SetMemberAsync("ops", laptop.User, true, Cancel)), StringComparison.Ordinal);
        Assert.StartsWith("No device of the mesh is called `nas`, and no user has that peer ID.", await RefusedAsync(LocalErrorCodes.NotFound, reports.SetMemberAsync("ops", "nas", true, Cancel)), StringComparison.Ordinal);
        Assert.Contains("has that peer ID. Did you mean `laptop`? `tunnelmesh peers`", await RefusedAsync(LocalErrorCodes.NotFound, reports.SetMemberAsync("ops", "latpop", true, Cancel)), StringComparison.Ordinal);
        // In the map, and gone from the state meanwhile.
        Assert.StartsWith($"The user {laptop.User} is no member of the mesh any more.", await RefusedAsync(LocalErrorCodes.NotFound, reports.SetMemberAsync("ops", "laptop", true, Cancel)), StringComparison.Ordinal);

        for (int i = 1; i < GroupLimits.Groups; i++)
        {
            await mesh.Server.Groups.CreateAsync($"g{i}", Cancel);
        }
        Assert.StartsWith("There are as many groups as a mesh may have, 256.", await RefusedAsync(LocalErrorCodes.Failed, reports.CreateAsync("more", Cancel)), StringComparison.Ordinal);
        Assert.EndsWith(" and 239 more; `tunnelmesh group list` shows all.", await RefusedAsync(LocalErrorCodes.NotFound, reports.DeleteAsync("zzzzzz", Cancel)), StringComparison.Ordinal);
    }
}
