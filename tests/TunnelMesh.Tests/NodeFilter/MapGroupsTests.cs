using TunnelMesh.Node.Control;
using TunnelMesh.Node.Filter;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Filter;
using TunnelMesh.Tests.NodeControl;
using TunnelMesh.Tests.ProtocolFilter;
using static TunnelMesh.Tests.NodeFilter.FilteredDevice;

namespace TunnelMesh.Tests.NodeFilter;

public sealed class MapGroupsTests
{
    private readonly KeyPins _pins = new(new Dictionary<string, string>(), _ => { });
    private readonly MapGroups _groups = new();

    private NetworkMap Map(IReadOnlyList<string>? groups, params MapDevice[] devices) =>
        NetworkMap.FromFull(NetworkMapTests.Full(devices) with { Groups = groups }, new byte[32], null, _pins, DateTimeOffset.UnixEpoch.AddYears(50)).Map;

    [Fact]
    public void Everyone_is_everybody_and_other_groups_are_as_the_map_tells_them()
    {
        MapDevice a = NetworkMapTests.Device("a", 1) with { Groups = ["all_admin_users", "ops"] }, b = NetworkMapTests.Device("b", 2);
        Assert.True(_groups.Exists("everyone") && _groups.IsMember("everyone", a.Id));
        Assert.False(_groups.Exists("ops") || _groups.IsMember("ops", a.Id));

        _groups.Take(Map(["all_admin_users", "all_service_users", "ops"], a, b));
        Assert.Equal([true, true, true, true, false], new[] { "everyone", "all_admin_users", "all_service_users", "ops", "guests" }.Select(_groups.Exists));
        Assert.Equal([true, true, false, true, false], new[] { "everyone", "all_admin_users", "all_service_users", "ops", "guests" }.Select(g => _groups.IsMember(g, a.Id)));
        Assert.False(_groups.IsMember("ops", b.Id));
        Assert.False(_groups.IsMember("ops", "nobody"));

        // A coordinator that knows no groups says nothing of them.
        _groups.Take(Map(null, a with { Groups = null }));
        Assert.False(_groups.Exists("ops") || _groups.IsMember("ops", a.Id));
    }

    [Fact]
    public void Names_are_told_built_in_ones_first_and_what_is_none_is_not()
    {
        Assert.Equal(["everyone"], _groups.Names);
        _groups.Take(Map(["staff", "all_service_users", "a\u001b[2Jb", "all_admin_users", "guests", "", "UPPER", "everyone"]));
        Assert.Equal(["everyone", "all_admin_users", "all_service_users", "guests", "staff"], _groups.Names);
    }

    [Fact]
    public void A_list_of_groups_without_end_is_cut()
    {
        string[] names = [.. Enumerable.Range(0, GroupName.MaxOfDevice + 1).Select(i => $"g{i}")];
        MapDevice a = NetworkMapTests.Device("a", 1) with { Groups = names };
        _groups.Take(Map(names, a));
        Assert.True(_groups.IsMember(names[^2], a.Id));
        Assert.False(_groups.IsMember(names[^1], a.Id));
    }

    [Fact]
    public void A_device_that_went_and_came_back_without_its_group_is_not_let_in()
    {
        MapDevice a = NetworkMapTests.Device("a", 1);
        FilteredDevice device = new(_groups, null, Rule("allow tcp 22 group:ops"));
        NetworkMap first = Map(["ops"], a with { Groups = ["ops"] });
        _groups.Take(first);
        FilterPeer peer = device.Filter.Join(a.Id, "a");
        byte[] syn = FilterBytes.Tcp("10.42.0.2", "10.42.0.1", 40000, 22, FilterBytes.Syn);
        Assert.True(device.In(peer, syn));
        Assert.True(Assert.Single(device.Filter.List()).IsSourceKnown);

        // The data plane may hear of both at once, and keeps what it has for the device.
        MapChange gone = first.Apply(new MapDelta { Epoch = "e", From = 5, Number = 6, Removed = [a.Id] }, _pins, DateTimeOffset.UnixEpoch.AddYears(50));
        Follow(gone);
        Follow(gone.Map.Apply(new MapDelta { Epoch = "e", From = 6, Number = 7, Upserted = [a] }, _pins, DateTimeOffset.UnixEpoch.AddYears(50)));
        Assert.False(device.In(device.Filter.Join(a.Id, "a"), syn));

        void Follow(MapChange change)
        {
            _groups.Take(change.Map);
            if (change.GroupsChanged)
            {
                device.Filter.NoteGroups();
            }
        }
    }
}
