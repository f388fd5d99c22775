using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Tests.Cli;

public sealed class TransportCommandTests : IDisposable
{
    private readonly CommandLine _line = new();

    public void Dispose() => _line.Dispose();

    [Theory]
    [InlineData("pigeon,udp", "`pigeon` is no transport")]
    [InlineData("udp,", "`` is no transport")]
    [InlineData("", "`` is no transport")]
    [InlineData("udp,ssh,udp", "once")]
    public async Task An_order_that_is_none_is_a_wrong_command_line_whether_a_peer_runs_or_not(string order, string says)
    {
        (int code, string output, string error) = await _line.RunAsync(["transport", "nas", order]);
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(says, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("relay")]
    [InlineData("[ssh, UDP]")]
    [InlineData("default")]
    public async Task A_sound_order_is_asked_of_the_peer_and_here_none_runs(string order) =>
        Assert.Equal(7, (await _line.RunAsync(["transport", "nas", order])).Code);

    [Fact]
    public void Whoever_asks_over_the_socket_is_told_what_is_wrong_too()
    {
        Assert.NotNull(TransportOrderReports.FaultOf(["udp", null]));
        Assert.NotNull(TransportOrderReports.FaultOf([null, null]));
        Assert.Null(TransportOrderReports.FaultOf([]));
    }
}
