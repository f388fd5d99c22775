using TunnelMesh.Cli.Commands;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Tests.Cli;

public sealed class StatusCommandTests
{
    [Theory]
    [InlineData(true, "nft", null, "addresses of the mesh come in by tun-mesh0 only (rules of nft)")]
    [InlineData(true, "iptables", "IPv6 is not guarded.", "addresses of the mesh come in by tun-mesh0 only (rules of iptables); IPv6 is not guarded.")]
    [InlineData(false, null, "no nft.", "NONE: packets with addresses of the mesh get in by other interfaces than tun-mesh0, too: no nft.")]
    public void What_is_not_guarded_is_said(bool enforced, string? by, string? problem, string expected) =>
        Assert.Equal(expected, StatusCommand.Guard(new GuardReport { Enforced = enforced, By = by, Problem = problem }, "tun-mesh0"));

    [Theory]
    [InlineData(0, null, "tun-mesh0, MTU 1400")]
    [InlineData(3, null, "tun-mesh0, MTU 1400 (put back 3 times, after somebody had changed it)")]
    [InlineData(0, "IPv6 is off.", "tun-mesh0, MTU 1400: NOT AS IT HAS TO BE, so packets for the mesh may leave this machine by other ways: IPv6 is off.")]
    public void What_somebody_has_done_to_the_interface_is_said(int restored, string? problem, string expected) =>
        Assert.Equal(expected, StatusCommand.Interface(new TunReport { Name = "tun-mesh0", Mtu = 1400, Restored = restored, Problem = problem }));

    [Theory]
    [InlineData("connected", "Peers         2 of 3 online")]
    [InlineData("connecting", "Peers         2 of 3 online as the coordinator told last; it is not reached now")]
    [InlineData("silent", "Peers         2 of 3 online as the coordinator told last; it is not reached now")]
    [InlineData("silent", "Coordinator   https://hub:8443, silent for 8 s")]
    [InlineData("silent", "Relay         https://hub:8443, silent for 9 s")]
    [InlineData("disconnected", "Peers         2 of 3 online as the coordinator told last; it is not reached now")]
    [InlineData("connected", "Exit          not used (its rules again 3 times, after somebody had taken them away)")]
    public void Presence_is_said_to_be_old_while_the_coordinator_is_away(string state, string expected)
    {
        StatusReport report = new()
        {
            Name = "a",
            PeerId = "0123456789abcdef",
            DeviceId = new string('a', 32),
            MeshIp = "10.42.0.2",
            MeshIp6 = "fd00::2",
            MeshCidr = "10.42.0.0/16",
            Domain = "mesh",
            Version = "1",
            UptimeSeconds = 60,
            Coordinator = new CoordinatorReport { Url = "https://hub:8443", State = state, Since = DateTimeOffset.UnixEpoch.AddSeconds(-8) },
            Relay = new RelayReport { Open = false, Silent = true, Url = "https://hub:8443", Since = DateTimeOffset.UnixEpoch.AddSeconds(-9), Problem = "silent for 9 s", TxDatagrams = 0, RxDatagrams = 0, Dropped = 0 },
            Tun = new TunReport { Name = "tun-mesh0", Mtu = 1400 },
            DataPlane = null,
            Dns = new DnsReport { Listen = [], Names = 0, Aliases = [], Servers = [], Answered = 0, Refused = 0, Forwarded = 0, ForwardFailures = 0, Drops = new Dictionary<string, long>() },
            Runtime = new RuntimeReport { GcGen0 = 0, GcGen1 = 0, GcGen2 = 0, AllocatedBytes = 0 },
            Exit = new ExitReport { Traffic = "direct", WhenOffline = "block", LanAccess = false, KillSwitch = false, Allows = false, Packets = 7, Bytes = 700, RulesRestored = 3 },
            MetricsUrl = null,
            MapEntriesDropped = 0,
            PeersTotal = 3,
            PeersOnline = 2,
        };
        Assert.Contains(expected, StatusCommand.Print(report, DateTimeOffset.UnixEpoch).Split('\n').Select(l => l.TrimEnd()));
    }
}
