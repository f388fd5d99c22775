using TunnelMesh.Cli.Commands;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Tests.Cli;

public sealed class DoctorCommandTests
{
    private static readonly PathReport Udp = new()
    {
        Transport = "udp",
        Endpoint = "192.0.2.1:2223",
        InUse = false,
        Offered = true,
        Open = true,
        State = "untried",
        RttMs = null,
        Loss = null,
        Mtu = null,
        Probes = 12,
        Echoes = 0,
        HeardMsAgo = null,
        Problem = null,
    };

    private static readonly DiagnosisReport Blocked = new()
    {
        Name = "nas",
        MeshIp = "10.42.0.3",
        DeviceId = "d",
        Online = true,
        Path = "relay",
        Endpoint = null,
        Cause = "udp_blocked",
        Summary = "UDP is blocked.",
        Help = "Open it.",
        Paths =
        [
            Udp,
            Udp with { Transport = "ssh", Endpoint = null, Open = false, Problem = "192.0.2.1:2222: timed out" },
            Udp with { Transport = "relay", Endpoint = null, InUse = true, Offered = false, State = "proven", Mtu = 1400, Echoes = 11, RttMs = 20.04, HeardMsAgo = 3000 },
        ],
    };

    private static readonly DiagnosisReport Fine = Blocked with { Name = "laptop", Path = "udp", Endpoint = "192.0.2.7:2223", Cause = "fine", Summary = "All is well.", Help = null, Paths = [] };

    private static string[] Print(bool named, params DiagnosisReport[] reports)
    {
        using StringWriter output = new();
        DoctorCommand.Print(reports, named, output);
        return [.. output.ToString().TrimEnd().Split('\n').Select(l => l.TrimEnd())];
    }

    [Fact]
    public void Cause_help_and_every_path_are_told()
    {
        string[] lines = Print(named: false, Blocked, Fine);
        Assert.Equal(["nas (10.42.0.3): relay", "  UDP is blocked.", "  Open it."], lines[..3]);
        Assert.Equal(["PATH", "FROM", "STATE", "PROBES", "ANSWERED", "RTT", "MTU", "HEARD"], Words(lines[3]));
        Assert.Equal(["udp", "192.0.2.1:2223", "map", "no", "answer", "12", "0", "-", "-", "never"], Words(lines[4]));
        Assert.Equal(["ssh", "map", "closed", "12", "0", "-", "-", "never"], Words(lines[5]));
        Assert.Equal(["*", "relay", "learnt", "proven", "12", "11", "20.0", "ms", "1400", "3", "s", "ago"], Words(lines[6]));
        Assert.Equal(["  ssh: 192.0.2.1:2222: timed out", "Of 2 devices with traffic 1 is reached directly and well."], lines[7..]);
    }

    [Fact]
    public void One_that_is_named_is_told_of_though_all_is_well() =>
        Assert.Equal(["laptop (10.42.0.3): udp 192.0.2.7:2223", "  All is well."], Print(named: true, Fine));

    [Fact]
    public void Those_that_are_fine_are_only_counted()
    {
        Assert.Equal(["The one device with traffic is reached directly and well."], Print(named: false, Fine));
        Assert.Equal(["All 2 devices with traffic are reached directly and well."], Print(named: false, Fine, Fine));
    }

    [Fact]
    public void Without_any_traffic_it_is_said_what_to_do() => Assert.Contains("tunnelmesh doctor PEER", Assert.Single(Print(named: false)), StringComparison.Ordinal);

    private static string[] Words(string line) => line.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    [Theory]
    [InlineData("nas", false, true, "Trying nas, for up to 6 s ...")]
    [InlineData("nas", true, true, null)]
    [InlineData("nas", false, false, null)]
    [InlineData(null, false, true, null)]
    public void Only_a_person_at_a_terminal_is_told_what_takes_long(string? peer, bool json, bool terminal, string? expected) =>
        Assert.Equal(expected, DoctorCommand.Progress(peer, json, terminal));
}
