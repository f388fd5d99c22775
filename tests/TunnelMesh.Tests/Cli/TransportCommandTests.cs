using TunnelMesh.Cli.Commands;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Tests.Cli;

public sealed class TransportCommandTests : IDisposable
{
    private readonly CommandLine _line = new();

    public void Dispose() => _line.Dispose();

    [Theory]
    [InlineData("pigeon,udp", "`pigeon` is no transport")]
    [InlineData("udp,", "`` is no transport")]
    [InlineData("", "ORDER is empty")]
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

    [Theory]
    [InlineData(null, null, "a b:ssh a:b c")]
    [InlineData("b", null, "b:ssh a:b")]
    [InlineData("b", "a", "a b:ssh a:b")]
    [InlineData("a", "b", "a b:ssh a:b")]
    [InlineData("b", "c", "b:ssh c")]
    [InlineData("d", null, "")]
    public void The_orders_of_either_device_concern_a_pair_too(string? device, string? other, string expected)
    {
        TransportOrderRow[] rows = [new("a", null, ["udp"], 1), new("b", null, ["ssh"], 2), new("a", "b", ["relay"], 3), new("c", null, ["udp"], 4)];
        IEnumerable<string> found = TransportOrderReports.Concerning(rows, device, other).Select(r => r.Transports[0] == "ssh" ? $"{r.DeviceId}:ssh" : r.OtherId is null ? r.DeviceId : $"{r.DeviceId}:{r.OtherId}");
        Assert.Equal(expected, string.Join(' ', found));
    }

    [Fact]
    public void What_holds_is_said_for_the_pair_and_never_that_none_is_set_where_others_may_be()
    {
        TransportReport ofB = new() { Name = "b", DeviceId = "1", Transports = ["ssh", "udp"] }, pair = new() { Name = "b", DeviceId = "1", With = "a", WithDeviceId = "2", Transports = ["relay"] };
        TransportReport ofA = new() { Name = "a", DeviceId = "2", Transports = ["udp"] };
        Assert.EndsWith($"Between b and a holds ssh, udp (set for b).{Environment.NewLine}", Printed("b", "a", ofA, ofB), StringComparison.Ordinal);
        Assert.EndsWith($"Between b and a holds relay (set for the pair).{Environment.NewLine}", Printed("b", "a", pair, ofA, ofB), StringComparison.Ordinal);
        Assert.StartsWith("No order holds between b and a:", Printed("b", "a"), StringComparison.Ordinal);
        Assert.StartsWith("No order is set for hub. An order that another device has holds", Printed("hub", null), StringComparison.Ordinal);
        Assert.StartsWith("No order is set: each", Printed(null, null), StringComparison.Ordinal);
    }

    private static string Printed(string? device, string? other, params TransportReport[] orders)
    {
        using StringWriter output = new();
        TransportCommand.Print(orders, device, other, output);
        return output.ToString();
    }

    [Fact]
    public void Whoever_asks_over_the_socket_is_told_what_is_wrong_too()
    {
        Assert.NotNull(TransportOrderReports.FaultOf(["udp", null]));
        Assert.NotNull(TransportOrderReports.FaultOf([null, null]));
        Assert.Null(TransportOrderReports.FaultOf([]));
    }
}
