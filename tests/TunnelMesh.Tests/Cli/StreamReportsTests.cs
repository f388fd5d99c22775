using TunnelMesh.Cli.Commands;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Tests.Diagnosis;

namespace TunnelMesh.Tests.Cli;

public sealed class StreamReportsTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddHours(1);

    [Theory]
    [InlineData(ControlPhase.Connected, "silent", 9)]
    [InlineData(ControlPhase.Connecting, "connecting", 3600)]
    [InlineData(ControlPhase.Disconnected, "disconnected", 3600)]
    public void Only_a_control_stream_that_stood_is_called_silent(ControlPhase phase, string expected, int secondsAgo)
    {
        ControlState state = new(phase, "hub:8443", DateTimeOffset.UnixEpoch, null);
        CoordinatorReport report = StreamReports.Coordinator(state, TimeSpan.FromSeconds(9), Now);
        Assert.Equal(("https://hub:8443", expected, Now.AddSeconds(-secondsAgo)), (report.Url, report.State, report.Since));
    }

    [Fact]
    public void A_control_stream_that_is_heard_is_connected_since_it_was_made()
    {
        CoordinatorReport report = StreamReports.Coordinator(new ControlState(ControlPhase.Connected, "hub:8443", DateTimeOffset.UnixEpoch, null), null, Now);
        Assert.Equal(("connected", DateTimeOffset.UnixEpoch), (report.State, report.Since));
    }

    [Fact]
    public void A_relay_stream_that_is_silent_is_not_open()
    {
        RelayReport open = NetAdviceTests.Good.Relay!;
        Assert.Equal(open, StreamReports.Relay(open, null, Now));
        RelayReport silent = StreamReports.Relay(open, TimeSpan.FromSeconds(9), Now);
        Assert.Equal((false, true, Now.AddSeconds(-9), "silent for 9 s", (double?)null), (silent.Open, silent.Silent, silent.Since, silent.Problem, silent.RttMs));
        Assert.Contains("Relay         https://hub:8443, silent for 9 s", NetCheckCommand.Print(NetAdviceTests.Good with { Relay = silent }, Now), StringComparison.Ordinal);
        RelayReport shut = open with { Open = false };
        Assert.Equal(shut, StreamReports.Relay(shut, TimeSpan.FromSeconds(9), Now));
    }
}
