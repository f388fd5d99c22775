using System.Net.Sockets;
using System.Text;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Tests.Diagnosis;

namespace TunnelMesh.Tests.LocalApi;

public sealed class LocalApiServerTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tm");
    private string SocketPath => Path.Combine(_directory.FullName, "default.sock");

    public void Dispose() => _directory.Delete(true);

    [Fact]
    public async Task Requests_are_answered_and_a_second_server_is_refused()
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        Handler handler = new();
        await using (LocalApiServer server = LocalApiServer.Start(handler, SocketPath, TimeProvider.System))
        {
            using LocalApiClient client = await LocalApiClient.ConnectAsync([SocketPath], stop);
            Assert.Empty(await client.PeersAsync(stop));
            Assert.Equal("a.tunnelmesh", (await client.ResolveAsync("a", stop)).Name);
            LocalApiException missing = await Assert.ThrowsAsync<LocalApiException>(() => client.ResolveAsync("b", stop));
            Assert.Equal(LocalErrorCodes.NotFound, missing.Code);
            LocalApiException stumbled = await Assert.ThrowsAsync<LocalApiException>(() => client.ResolveAsync("stumble", stop));
            Assert.Contains("no such time", stumbled.Message, StringComparison.Ordinal);
            Assert.Equal(("nas", 1500.0), (await client.PingAsync("nas", TimeSpan.FromSeconds(1.5), stop)) is { } ping ? (ping.Name, ping.RttMs) : default);
            Assert.Equal(2223, (await client.CheckNetworkAsync(stop)).UdpPort);
            Assert.Empty(await client.DiagnoseAsync(null, stop));
            Assert.Equal("nas", Assert.Single(await client.DiagnoseAsync("nas", stop)).Name);
            Assert.Equal(["d1"], (await client.RevokeDeviceAsync("d1", stop)).Devices);
            Assert.True((await client.RevokeUserAsync("u1", stop)).User);
            Assert.Equal([4L, 5L], (await client.TokensAsync(stop)).Select(t => t.Id));
            NewTokenReport made = await client.CreateTokenAsync(TimeSpan.FromDays(7), 2, stop);
            Assert.Equal((DateTimeOffset.UnixEpoch.AddDays(7), 2L), (made.Expires!.Value, made.Uses!.Value));
            Assert.DoesNotContain(made.Token, $"{made}", StringComparison.Ordinal);
            Assert.Null((await client.CreateTokenAsync(null, null, stop)).Expires);
            Assert.Equal(LocalErrorCodes.BadRequest, (await Assert.ThrowsAsync<LocalApiException>(() => client.CreateTokenAsync(TimeSpan.FromDays(-1), null, stop))).Code);
            Assert.Equal(["d7"], (await client.RevokeTokenAsync(7, true, stop)).Devices);
            Assert.Empty((await client.RevokeTokenAsync(7, false, stop)).Devices);
            Assert.Equal(LocalErrorCodes.BadRequest, (await Assert.ThrowsAsync<LocalApiException>(() => client.AskAsync(new LocalRequest { Command = LocalCommands.RevokeToken }, stop))).Code);
            Assert.Equal(["all"], (await client.TransportsAsync(null, null, null, stop)).Select(o => o.Name));
            TransportReport order = Assert.Single(await client.TransportsAsync("a", "b", ["ssh", "udp"], stop));
            Assert.Equal(("a", "b", "ssh,udp"), (order.Name, order.With, string.Join(',', order.Transports)));
            Assert.Equal(("ops", false, 2), (await client.GroupsAsync(stop)) is [var group] ? (group.Name, group.BuiltIn, group.Members) : default);
            Assert.Equal(["ops"], Assert.Single(await client.GroupMembersAsync("ops", stop)).Devices);
            foreach ((string command, string? member, string done) in new[] { (LocalCommands.GroupCreate, null, "made"), (LocalCommands.GroupDelete, null, "deleted"), (LocalCommands.GroupAdd, "u", "in"), (LocalCommands.GroupRemove, "u", "out") })
            {
                GroupChangeReport change = await client.ChangeGroupAsync(command, "ops", member, stop);
                Assert.Equal(("ops", member, done), (change.Group, change.PeerId, Assert.Single(change.Devices)));
                Assert.Equal(LocalErrorCodes.BadRequest, (await Assert.ThrowsAsync<LocalApiException>(() => client.AskAsync(new LocalRequest { Command = command, Member = "u" }, stop))).Code);
            }
            Assert.Equal(LocalErrorCodes.BadRequest, (await Assert.ThrowsAsync<LocalApiException>(() => client.ChangeGroupAsync(LocalCommands.GroupAdd, "ops", null, stop))).Code);
            Assert.Empty((await client.FilterAsync(LocalCommands.Filter, null, stop)).Rules);
            FilterRuleReport rule = Assert.Single((await client.FilterAsync(LocalCommands.FilterAdd, new FilterRuleRequest { Port = "22", Action = "allow", TtlSeconds = 60 }, stop)).Rules);
            Assert.Equal(("added", "22", 60.0), (rule.Layer, rule.Port, rule.TtlSeconds));
            Assert.Equal("removed", Assert.Single((await client.FilterAsync(LocalCommands.FilterRemove, new FilterRuleRequest { Port = "22" }, stop)).Rules).Layer);
            Assert.Equal("reloaded", Assert.Single((await client.FilterAsync(LocalCommands.FilterReload, null, stop)).Rules).Layer);
            LocalApiException noRule = await Assert.ThrowsAsync<LocalApiException>(() => client.FilterAsync(LocalCommands.FilterAdd, null, stop));
            Assert.Equal(LocalErrorCodes.BadRequest, noRule.Code);
            LocalApiException unclear = await Assert.ThrowsAsync<LocalApiException>(() => client.AskAsync(new LocalRequest { Command = LocalCommands.Revoke }, stop));
            Assert.Equal(LocalErrorCodes.BadRequest, unclear.Code);
            PeerAlreadyRunningException second = Assert.Throws<PeerAlreadyRunningException>(
                () => LocalApiServer.Start(handler, SocketPath, TimeProvider.System));
            Assert.Contains($"pid {Environment.ProcessId}", second.Message, StringComparison.Ordinal);
            await client.ShutdownAsync(stop);
            await handler.Stopped.Task.WaitAsync(stop);
        }
        Assert.False(File.Exists(SocketPath));
        await Assert.ThrowsAsync<PeerNotRunningException>(() => LocalApiClient.ConnectAsync([SocketPath], stop));
    }

    [Theory]
    [InlineData("{\"ok\":true,\"status\":{\"name\":\"a\"}}")]
    [InlineData("{\"ok\":true}")]
    [InlineData("hello")]
    public async Task A_running_peer_of_another_version_is_told_from_one_that_has_stopped(string answer)
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        listener.Listen();
        foreach ((string? line, string code) in new[] { (answer, LocalErrorCodes.OtherVersion), (null, LocalErrorCodes.Failed) })
        {
            using LocalApiClient client = await LocalApiClient.ConnectAsync([SocketPath], stop);
            Task<StatusReport> asking = client.StatusAsync(stop);
            using (Socket peer = await listener.AcceptAsync(stop))
            {
                await peer.ReceiveAsync(new byte[1024], stop);
                if (line is not null)
                {
                    await peer.SendAsync(Encoding.UTF8.GetBytes(line + "\n"), stop);
                }
            }
            Assert.Equal(code, (await Assert.ThrowsAsync<LocalApiException>(() => asking)).Code);
        }
    }

    [Fact]
    public async Task Of_two_that_start_at_once_over_what_a_dead_process_left_one_runs_and_the_other_says_why_not()
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        for (int round = 0; round < 200; round++)
        {
            LeaveStale();
            using Barrier together = new(2);
            // Threads of their own: the pool might start the second when the first is done.
            Task<LocalApiServer>[] starts = [.. Enumerable.Range(0, 2).Select(_ => Task.Factory.StartNew(() =>
            {
                together.SignalAndWait(stop);
                return LocalApiServer.Start(new Handler(), SocketPath, TimeProvider.System);
            }, stop, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
            await Task.WhenAll(starts).ContinueWith(_ => { }, TaskScheduler.Default);
            Task<LocalApiServer> lost = Assert.Single(starts, s => s.IsFaulted);
            string why = Assert.IsType<PeerAlreadyRunningException>(lost.Exception!.InnerException).Message;
            Assert.True(why.StartsWith($"A peer is already running (pid {Environment.ProcessId}): it answers at {SocketPath}.", StringComparison.Ordinal)
                || why.StartsWith($"Another peer is just starting or ending here: it holds {Path.ChangeExtension(SocketPath, ".lock")}.", StringComparison.Ordinal), why);
            await using LocalApiServer server = await Assert.Single(starts, s => s.IsCompletedSuccessfully);
            using LocalApiClient client = await LocalApiClient.ConnectAsync([SocketPath], stop);
            Assert.Empty(await client.PeersAsync(stop));
        }
        // What the last one left is in nobody's way.
        await using LocalApiServer next = LocalApiServer.Start(new Handler(), SocketPath, TimeProvider.System);
    }

    [Fact]
    public async Task One_that_ends_takes_nothing_from_the_next()
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        LocalApiServer last = LocalApiServer.Start(new Handler(), SocketPath, TimeProvider.System);
        for (int round = 0; round < 200; round++)
        {
            Task ending = Task.Run(async () => await last.DisposeAsync(), stop);
            LocalApiServer? next = null;
            while (next is null)
            {
                try
                {
                    next = LocalApiServer.Start(new Handler(), SocketPath, TimeProvider.System);
                }
                catch (PeerAlreadyRunningException)
                {
                    await Task.Yield();
                }
            }
            await ending;
            using LocalApiClient client = await LocalApiClient.ConnectAsync([SocketPath], stop);
            Assert.Empty(await client.PeersAsync(stop));
            last = next;
        }
        await last.DisposeAsync();
        Assert.False(File.Exists(SocketPath));
    }

    [Fact]
    public async Task One_that_answers_without_the_hold_as_older_programs_do_is_not_robbed_of_its_socket()
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        using Socket older = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        older.Bind(new UnixDomainSocketEndPoint(SocketPath));
        older.Listen();
        Assert.Contains("A peer is already running", Assert.Throws<PeerAlreadyRunningException>(() => LocalApiServer.Start(new Handler(), SocketPath, TimeProvider.System)).Message, StringComparison.Ordinal);
        using LocalApiClient client = await LocalApiClient.ConnectAsync([SocketPath], stop);
        older.Dispose();
        // The one that was refused has let go.
        await using LocalApiServer server = LocalApiServer.Start(new Handler(), SocketPath, TimeProvider.System);
    }

    [Fact]
    public async Task Only_so_many_are_served_at_once_and_the_next_when_one_goes()
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        await using LocalApiServer server = LocalApiServer.Start(new Handler(), SocketPath, TimeProvider.System);
        List<LocalApiClient> clients = [];
        for (int i = 0; i < LocalSocket.MaxConnections; i++)
        {
            clients.Add(await LocalApiClient.ConnectAsync([SocketPath], stop));
            Assert.Empty(await clients[^1].PeersAsync(stop));
        }
        using LocalApiClient more = await LocalApiClient.ConnectAsync([SocketPath], stop);
        Task<IReadOnlyList<PeerReport>> asking = more.PeersAsync(stop);
        foreach (LocalApiClient client in clients)
        {
            Assert.Empty(await client.PeersAsync(stop));
        }
        Assert.False(asking.IsCompleted);
        clients[3].Dispose();
        Assert.Empty(await asking);
        clients.ForEach(c => c.Dispose());
    }

    // A socket file at which nobody listens.
    private void LeaveStale()
    {
        using Socket dead = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        string other = SocketPath + ".dead";
        dead.Bind(new UnixDomainSocketEndPoint(other));
        // The framework deletes the path that was bound.
        File.Move(other, SocketPath);
    }

    [Fact]
    public void A_path_too_long_for_the_system_is_named() =>
        Assert.Contains("TUNNELMESH_HOME", Assert.Throws<IOException>(() => LocalSocket.CheckPath("/" + new string('x', 200))).Message, StringComparison.Ordinal);

    private static FilterReport Filter(string? layer, FilterRuleRequest? rule) => new()
    {
        DefaultDeny = true,
        Groups = ["everyone"],
        Flows = 0,
        FlowsPushedOut = 0,
        Rules = layer is null ? [] : [new FilterRuleReport
        {
            Layer = layer, Port = rule?.Port ?? "", Protocol = rule?.Protocol ?? "", Action = rule?.Action ?? "", SourcePeer = rule?.SourcePeer ?? "",
            SourceKnown = true, TtlSeconds = rule?.TtlSeconds, Hits = 0,
        }],
    };

    private sealed class Handler : ILocalApiHandler
    {
        public TaskCompletionSource Stopped { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public StatusReport GetStatus() => throw new InvalidOperationException("not asked");
        public IReadOnlyList<PeerReport> GetPeers() => [];
        public ResolveReport Resolve(string name) => name == "stumble" ? throw new ArgumentOutOfRangeException(nameof(name), "no such time")
            : name == "a" ? new ResolveReport { Name = "a.tunnelmesh", Ip = ["10.42.0.1"], Ip6 = [] } : throw new LocalApiException(LocalErrorCodes.NotFound, "no such device");
        public Task<PingReport> PingAsync(string peer, TimeSpan timeout, CancellationToken cancellation) =>
            Task.FromResult(new PingReport { Name = peer, MeshIp = "", DeviceId = "", Answered = true, Path = "udp", PathChanges = 0, RttMs = timeout.TotalMilliseconds });
        public Task<NetCheckReport> CheckNetworkAsync(CancellationToken cancellation) => Task.FromResult(NetAdviceTests.Good);
        public Task<IReadOnlyList<DiagnosisReport>> DiagnoseAsync(string? peer, CancellationToken cancellation) => Task.FromResult<IReadOnlyList<DiagnosisReport>>(
            peer is null ? [] : [new DiagnosisReport { Name = peer, MeshIp = "", DeviceId = "", Online = true, Path = "udp", Endpoint = null, Cause = "fine", Summary = "", Help = null, Paths = [] }]);
        public Task<bool> LeaveAsync(bool force, CancellationToken cancellation) => Task.FromResult(!force);
        public Task<RevokeReport> RevokeDeviceAsync(string deviceId, CancellationToken cancellation) =>
            Task.FromResult(new RevokeReport { PeerId = "u", User = false, Devices = [deviceId] });
        public Task<RevokeReport> RevokeUserAsync(string peerId, CancellationToken cancellation) =>
            Task.FromResult(new RevokeReport { PeerId = peerId, User = true, Devices = [] });
        public Task<IReadOnlyList<TokenReport>> TokensAsync(CancellationToken cancellation) =>
            Task.FromResult<IReadOnlyList<TokenReport>>([.. new long[] { 4, 5 }.Select(id => new TokenReport
            {
                Id = id,
                State = "valid",
                Given = true,
                Admitted = 1,
                Uses = null,
                Added = DateTimeOffset.UnixEpoch,
                Expires = null,
            })]);
        public Task<NewTokenReport> CreateTokenAsync(TimeSpan? life, long? uses, CancellationToken cancellation) =>
            Task.FromResult(new NewTokenReport { Id = 6, Token = new string('a', 64), Expires = DateTimeOffset.UnixEpoch + life, Uses = uses });
        public Task<TokenRevokeReport> RevokeTokenAsync(long id, bool withPeers, CancellationToken cancellation) =>
            Task.FromResult(new TokenRevokeReport { Id = id, Given = false, FileRemoved = null, Problem = null, Devices = withPeers ? [$"d{id}"] : [], ValidTokens = 0 });
        public Task<IReadOnlyList<TransportReport>> TransportsAsync(string? peer, string? with, IReadOnlyList<string>? transports, CancellationToken cancellation) =>
            Task.FromResult<IReadOnlyList<TransportReport>>([new TransportReport { Name = peer ?? "all", DeviceId = "", With = with, Transports = transports ?? [] }]);
        public Task<IReadOnlyList<GroupReport>> GroupsAsync(CancellationToken cancellation) =>
            Task.FromResult<IReadOnlyList<GroupReport>>([new GroupReport { Name = "ops", BuiltIn = false, Members = 2 }]);
        public Task<IReadOnlyList<GroupMemberReport>> GroupMembersAsync(string group, CancellationToken cancellation) =>
            Task.FromResult<IReadOnlyList<GroupMemberReport>>([new GroupMemberReport { PeerId = "u", Devices = [group] }]);
        public Task<GroupChangeReport> CreateGroupAsync(string group, CancellationToken cancellation) => Group(group, null, "made");
        public Task<GroupChangeReport> DeleteGroupAsync(string group, CancellationToken cancellation) => Group(group, null, "deleted");
        public Task<GroupChangeReport> AddToGroupAsync(string group, string member, CancellationToken cancellation) => Group(group, member, "in");
        public Task<GroupChangeReport> RemoveFromGroupAsync(string group, string member, CancellationToken cancellation) => Group(group, member, "out");
        private static Task<GroupChangeReport> Group(string group, string? member, string done) => Task.FromResult(new GroupChangeReport { Group = group, PeerId = member, Devices = [done] });
        public FilterReport GetFilter() => Filter(null, null);
        public FilterReport AddFilterRule(FilterRuleRequest rule) => Filter("added", rule);
        public FilterReport RemoveFilterRule(FilterRuleRequest rule) => Filter("removed", rule);
        public Task<DnsReport> TakeNamesAsync(CancellationToken cancellation) => Task.FromResult(Dns("taken"));
        public Task<DnsReport> YieldNamesAsync(string context, CancellationToken cancellation) => Task.FromResult(Dns(context));
        private static DnsReport Dns(string problem) =>
            new() { Listen = [], Problem = problem, Names = 0, Aliases = [], Servers = [], Answered = 0, Refused = 0, Forwarded = 0, ForwardFailures = 0, Drops = new Dictionary<string, long>() };
        public Task<FilterReport> ReloadFilterAsync(CancellationToken cancellation) => Task.FromResult(Filter("reloaded", null));
        public void RequestShutdown() => Stopped.TrySetResult();
    }
}
