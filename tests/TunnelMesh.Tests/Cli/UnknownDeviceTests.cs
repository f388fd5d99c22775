using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Tests.NodeControl;

namespace TunnelMesh.Tests.Cli;

public class UnknownDeviceTests
{
    private static readonly NetworkMap Map = NetworkMap.FromFull(
        NetworkMapTests.Full(NetworkMapTests.Device("nas", 1) with { Aliases = ["backup"] }, NetworkMapTests.Device("laptop-2", 2)),
        new byte[32], null, new KeyPins(new Dictionary<string, string>(), _ => { }), DateTimeOffset.UnixEpoch.AddYears(50)).Map;

    [Theory]
    [InlineData("nsa", " Did you mean `nas`?")]
    [InlineData("NSA.mesh", " Did you mean `nas`?")]
    [InlineData("lap-top2", " Did you mean `laptop-2`?")]
    [InlineData("bakcup.tunnelmesh", " Did you mean `backup`?")]
    [InlineData("thiss", " Did you mean `this`?")]
    [InlineData("printer", "")]
    [InlineData("", "")]
    [InlineData("x", "")]
    [InlineData("10.42.0.9", "")]
    [InlineData("0123456789abcdef0123456789abcdef", "")]
    public void The_name_that_was_meant_is_asked_for(string text, string hint)
    {
        LocalApiException error = UnknownDevice.Error(Map, text);
        Assert.Equal(LocalErrorCodes.NotFound, error.Code);
        Assert.Equal($"No device of the mesh is called `{text}`.{hint} `tunnelmesh peers` lists them.", error.Message);
    }

    [Fact]
    public void What_steers_a_terminal_is_not_repeated() => Assert.DoesNotContain('\u001b', UnknownDevice.Error(Map, "a\u001b[2J" + new string('b', 500)).Message);

    [Fact]
    public async Task Orders_of_transports_ask_too()
    {
        TransportOrderReports reports = new(Map, "own", _ => Task.FromResult<IReadOnlyList<TransportOrderRow>>([]), (_, _, _, _) => throw new InvalidOperationException("nothing is set"));
        Assert.Contains("Did you mean `nas`?", (await Assert.ThrowsAsync<LocalApiException>(() => reports.AnswerAsync("nsa", null, null, TestContext.Current.CancellationToken))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a", new string[0])]
    [InlineData("ab", new[] { "" })]
    public void Nothing_is_no_name_that_was_meant(string text, string[] candidates) => Assert.Equal("", EditDistance.Hint(text, candidates));
}
