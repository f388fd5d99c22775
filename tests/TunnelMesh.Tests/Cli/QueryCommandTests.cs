using System.Reflection;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Tests.Cli;

/// <summary>Commands that ask a peer once and print the answer, over a real control socket.</summary>
public sealed class QueryCommandTests : IDisposable
{
    private readonly CommandLine _line = new();

    public void Dispose() => _line.Dispose();

    [Theory]
    [InlineData("peers", "No other device is in the mesh yet.", "[]")]
    [InlineData("group list", "NAME  MEMBERS  BUILT IN", """[{"name":"ops","built_in":false,"members":2}]""")]
    [InlineData("group members ops", "Nobody is in ops.", "[]")]
    [InlineData("group delete ops", "Group ops is gone; rules about group:ops are about nobody now.", """{"group":"ops","peer_id":null,"devices":[]}""")]
    [InlineData("resolve nas", "10.42.0.2\n", """{"name":"nas.tunnelmesh","ip":["10.42.0.2"],"ip6":[]}""")]
    [InlineData("transport", "No order is set: each device goes by its own configuration.", "[]")]
    [InlineData("filter reload", "Everything else passes.", """{"default_deny":false,"rules":[],"groups":[],"flows":0,"flows_pushed_out":0}""")]
    [InlineData("token list", "No token is valid, so no device can join.", "[]")]
    public async Task An_answer_is_text_for_people_or_JSON(string command, string text, string json)
    {
        await using LocalApiServer server = LocalApiServer.Start(Answers.Make(), Path.Combine(_line.Home, "default.sock"), TimeProvider.System);
        (int code, string output, string error) = await _line.RunAsync(command.Split(' '));
        Assert.Equal((0, ""), (code, error));
        Assert.StartsWith(text, output, StringComparison.Ordinal);
        (code, output, error) = await _line.RunAsync([.. command.Split(' '), "--json"]);
        Assert.Equal((0, ""), (code, error));
        Assert.Equal(json, output.Trim());
    }

    [Theory]
    [InlineData("group create everyone", 2)]
    [InlineData("filter add --action alow", 2)]
    [InlineData("filter add --action allow --ttl never", 2)]
    [InlineData("transport nas udp,pigeon", 2)]
    [InlineData("transport --with nas", 2)]
    [InlineData("peers", 7)]
    [InlineData("group create ops", 7)]
    [InlineData("filter add --action allow", 7)]
    public async Task A_wrong_command_line_is_said_before_a_peer_is_asked_which_is_not_there(string command, int expected)
    {
        (int code, string output, string error) = await _line.RunAsync(command.Split(' '));
        Assert.Equal((expected, ""), (code, output));
        Assert.NotEmpty(error);
    }

    /// <summary>Answers a few questions.</summary>
    public class Answers : DispatchProxy
    {
        internal static ILocalApiHandler Make() => Create<ILocalApiHandler, Answers>();

        /// <inheritdoc/>
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name switch
        {
            nameof(ILocalApiHandler.GetPeers) => Array.Empty<PeerReport>(),
            nameof(ILocalApiHandler.GroupsAsync) => Task.FromResult<IReadOnlyList<GroupReport>>([new GroupReport { Name = "ops", BuiltIn = false, Members = 2 }]),
            nameof(ILocalApiHandler.GroupMembersAsync) => Task.FromResult<IReadOnlyList<GroupMemberReport>>([]),
            nameof(ILocalApiHandler.DeleteGroupAsync) => Task.FromResult(new GroupChangeReport { Group = (string)args![0]!, PeerId = null, Devices = [] }),
            nameof(ILocalApiHandler.Resolve) => new ResolveReport { Name = $"{args![0]}.tunnelmesh", Ip = ["10.42.0.2"], Ip6 = [] },
            nameof(ILocalApiHandler.TransportsAsync) => Task.FromResult<IReadOnlyList<TransportReport>>([]),
            nameof(ILocalApiHandler.ReloadFilterAsync) => Task.FromResult(new FilterReport { DefaultDeny = false, Rules = [], Flows = 0, FlowsPushedOut = 0, Groups = [] }),
            nameof(ILocalApiHandler.TokensAsync) => Task.FromResult<IReadOnlyList<TokenReport>>([]),
            string other => throw new InvalidOperationException(other),
        };
    }
}
