using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.SystemDns;
using TunnelMesh.Tests.Cli;
using TunnelMesh.Tests.LocalApi;

namespace TunnelMesh.Tests.Contexts;

/// <summary>Which of several contexts has the system, on a resolv.conf of the test's own.</summary>
public sealed class SystemNamesTests : IDisposable
{
    private const string Before = "nameserver 192.0.2.1\n";
    private readonly CommandLine _cli = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(56));
    private readonly List<IDisposable> _made = [];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private HomeLayout Layout => _cli.Context().Layout;

    private string Conf => _cli.PathOf("resolv.conf");

    private SystemNames Make(string context, string? home = null)
    {
        HomeLayout layout = home is null ? Layout : new HomeLayout(new ProcessEnvironment { Home = _cli.PathOf(home), UserHome = _cli.PathOf(home) }, isRoot: false);
        File.WriteAllText(Conf, Before);
        new ContextStore(layout).Ensure(context);
        SystemDnsPlaces places = new() { ResolvConf = Conf, Resolved = _cli.PathOf("none"), Programs = [], Journal = NameFocus.Journal(layout, context) };
        SystemDnsSetup setup = new(places, SystemDnsSetup.Linux(places), () => null, new SystemDnsTurn(_cli.PathOf("names"), $"{context} ({home})", TimeProvider.System));
        SystemNames names = new(setup, new NameFocus(layout, context), NullLogger.Instance, _time);
        _made.AddRange([names, setup]);
        return names;
    }

    private static Task StartAsync(SystemNames names, string address) =>
        names.StartAsync(new SystemDnsRequest("tun", IPAddress.Parse(address), null, ["mesh"], "tag"), Cancel);

    public void Dispose()
    {
        _made.ForEach(m => m.Dispose());
        _cli.Dispose();
    }

    [Fact]
    public async Task The_first_has_it_until_it_ends_and_then_the_one_that_waited()
    {
        SystemNames first = Make("b"), second = Make("a");
        await StartAsync(first, "10.1.0.1");
        await StartAsync(second, "10.2.0.1");
        Assert.Equal(("resolv.conf", null), (first.Way, first.Problem));
        Assert.Null(second.Way);
        Assert.Contains("the context b", second.Problem, StringComparison.Ordinal);
        Assert.Contains("tunnelmesh context use a", second.Problem, StringComparison.Ordinal);
        await first.LookAsync(Cancel);
        await second.LookAsync(Cancel);
        Assert.Null(second.Way);
        await first.EndAsync();
        Assert.Equal(Before, await File.ReadAllTextAsync(Conf, Cancel));
        await second.LookAsync(Cancel);
        Assert.Equal(("resolv.conf", null), (second.Way, second.Problem));
        await first.LookAsync(Cancel);
        Assert.Contains("10.2.0.1", await File.ReadAllTextAsync(Conf, Cancel), StringComparison.Ordinal);
        await second.EndAsync();
        Assert.Equal(Before, await File.ReadAllTextAsync(Conf, Cancel));
    }

    [Fact]
    public async Task The_one_that_is_chosen_takes_it_and_the_other_stands_back()
    {
        SystemNames first = Make("default"), second = Make("work");
        await StartAsync(first, "10.1.0.1");
        await using LocalApiServer asked = LocalApiServer.Start(Yielding.To(first), Layout.ControlSocket("default"), TimeProvider.System);
        await StartAsync(second, "10.2.0.1");
        await second.TakeAsync(Cancel);
        Assert.Equal("work", Layout.ActiveContext);
        Assert.Equal((null, "resolv.conf"), (first.Way, second.Way));
        Assert.Contains("the context work", first.Problem, StringComparison.Ordinal);
        await first.LookAsync(Cancel);
        Assert.Null(first.Way);

        // It stands back while the other has the time to set up, and takes over when that has not come.
        await second.EndAsync();
        await first.LookAsync(Cancel);
        Assert.Null(first.Way);
        _time.Advance(TimeSpan.FromSeconds(6));
        await first.LookAsync(Cancel);
        Assert.Equal("resolv.conf", first.Way);
    }

    [Fact]
    public async Task Of_two_homes_the_first_has_it_and_use_moves_it()
    {
        SystemNames first = Make("default", "a"), second = Make("default", "b");
        await StartAsync(first, "10.1.0.1");
        await StartAsync(second, "10.2.0.1");
        Assert.Equal(("resolv.conf", null), (first.Way, second.Way));
        Assert.Contains("the context default (a)", second.Problem, StringComparison.Ordinal);
        // Both are in use in their homes, which decides nothing between homes.
        await second.LookAsync(Cancel);
        await first.LookAsync(Cancel);
        Assert.Equal(("resolv.conf", null), (first.Way, second.Way));

        Task taken = second.TakeAsync(Cancel);
        while (!taken.IsCompleted)
        {
            await first.LookAsync(Cancel);
            await Task.Delay(10, Cancel);
        }
        await taken;
        Assert.Equal((null, "resolv.conf"), (first.Way, second.Way));
        Assert.Contains("the context default (b)", first.Problem, StringComparison.Ordinal);
        Assert.Contains("10.2.0.1", await File.ReadAllTextAsync(Conf, Cancel), StringComparison.Ordinal);

        await second.EndAsync();
        _time.Advance(TimeSpan.FromSeconds(6));
        await first.LookAsync(Cancel);
        Assert.Equal(("resolv.conf", null), (first.Way, first.Problem));
        await first.EndAsync();
        Assert.Equal(Before, await File.ReadAllTextAsync(Conf, Cancel));
    }

    [Fact]
    public async Task What_somebody_takes_away_comes_back_and_is_counted()
    {
        SystemNames names = Make("default");
        await StartAsync(names, "10.1.0.1");
        for (int i = 1; i <= 2; i++)
        {
            await File.WriteAllTextAsync(Conf, $"nameserver 192.0.2.{i}0\n", Cancel);
            await names.LookAsync(Cancel);
            Assert.Equal((i, "resolv.conf", null), (names.Restored, names.Way, names.Problem));
            Assert.Contains("10.1.0.1", await File.ReadAllTextAsync(Conf, Cancel), StringComparison.Ordinal);
        }
        await names.LookAsync(Cancel);
        Assert.Equal(2, names.Restored);
    }

    [Fact]
    public async Task One_that_cannot_be_asked_keeps_it()
    {
        SystemNames first = Make("default"), second = Make("work");
        await StartAsync(first, "10.1.0.1");
        await using LocalApiServer deaf = LocalApiServer.Start(LocalApiRightsTests.Recorder.Make(new ConcurrentQueue<string>()), Layout.ControlSocket("default"), TimeProvider.System);
        await StartAsync(second, "10.2.0.1");
        await second.TakeAsync(Cancel);
        Assert.Equal(("resolv.conf", null), (first.Way, second.Way));
        Assert.Contains("the context default", second.Problem, StringComparison.Ordinal);
        Assert.Contains("10.1.0.1", await File.ReadAllTextAsync(Conf, Cancel), StringComparison.Ordinal);
    }

    /// <summary>A peer that gives the names up when it is asked, and knows nothing else.</summary>
    public class Yielding : System.Reflection.DispatchProxy
    {
        private SystemNames _names = null!;

        internal static ILocalApiHandler To(SystemNames names)
        {
            ILocalApiHandler handler = Create<ILocalApiHandler, Yielding>();
            ((Yielding)(object)handler)._names = names;
            return handler;
        }

        /// <inheritdoc/>
        protected override object? Invoke(System.Reflection.MethodInfo? targetMethod, object?[]? args) =>
            targetMethod!.Name == nameof(ILocalApiHandler.YieldNamesAsync) ? YieldAsync((string)args![0]!) : throw new InvalidOperationException("not asked");

        private async Task<DnsReport> YieldAsync(string context)
        {
            await _names.YieldAsync(context, CancellationToken.None);
            return new DnsReport { Listen = [], System = _names.Way, Problem = _names.Problem, Names = 0, Aliases = [], Servers = [], Answered = 0, Refused = 0, Forwarded = 0, ForwardFailures = 0, Drops = new Dictionary<string, long>() };
        }
    }
}
