using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Cli.Logging;
using TunnelMesh.Platform.Services;

namespace TunnelMesh.Tests.Cli;

public sealed class ServiceNotifierTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm");
    private readonly Socket _manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly FakeTimeProvider _time = new();

    private string Path => System.IO.Path.Combine(_folder.FullName, "n");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _manager.Dispose();
        _folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("30000000", 15_000)]
    [InlineData("2000", 1)]
    [InlineData("0", null)]
    [InlineData("-5", null)]
    [InlineData("9999999999999999999999", null)]
    [InlineData("soon", null)]
    [InlineData(null, null)]
    public void All_is_well_is_told_twice_in_the_time_that_is_given(string? microseconds, int? expected) =>
        Assert.Equal(expected, ServiceNotifier.Beat(microseconds) is { } beat ? (int)beat.TotalMilliseconds : null);

    [Fact]
    public void Nobody_is_told_when_no_manager_started_the_process() =>
        Assert.Null(ServiceNotifier.Open(new ProcessEnvironment { UserHome = "/", WatchdogMicroseconds = "1000000" }));

    [Fact]
    public void A_service_of_Windows_reads_its_own_variables_and_tells_its_session()
    {
        List<WindowsServiceStatus> told = [];
        using WindowsServiceSession session = new(told.Add, _time);
        ProcessEnvironment environment = ProcessEnvironment.OfService([new("HOME", "/h"), new("TUNNELMESH_TOKEN", "old"), new("TUNNELMESH_TOKEN", "t"), new("NO_PROXY", "")], session, session.Stop);
        Assert.Equal("/h", environment.UserHome);
        Assert.Equal("t", environment.Token);
        Assert.Null(environment.Proxy("NO_PROXY"));
        using ServiceNotifier notifier = ServiceNotifier.Open(environment)!;
        notifier.Ready("here");
        notifier.Stopping();
        Assert.Equal([2, 4, 3], told.Select(s => (int)s.State));
    }

    [Fact]
    public async Task A_data_plane_that_hangs_is_kept_quiet_about_and_logged_once()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "datagram sockets with a path are Linux's");
        _manager.Bind(new UnixDomainSocketEndPoint(Path));
        using StringWriter log = new();
        using ServiceNotifier notifier = ServiceNotifier.Open(new ProcessEnvironment { UserHome = "/", NotifySocket = Path, WatchdogMicroseconds = "2000000" })!;
        notifier.Ready("here");
        Assert.Equal("READY=1\nSTATUS=here", await ReceiveAsync());

        int asked = 0;
        SemaphoreSlim wasAsked = new(0);
        Task answer = Task.CompletedTask;
        await using (notifier.Watch(() => Ask(), new StandardErrorLogger(log, TimeProvider.System), _time))
        {
            await wasAsked.WaitAsync(Cancel);
            Assert.Equal("WATCHDOG=1", await ReceiveAsync());
            // It hangs for two beats, and comes back.
            answer = new TaskCompletionSource().Task;
            await AskedAgainAsync();
            await AskedAgainAsync();
            await AskedAgainAsync();
            Assert.Equal(0, _manager.Available);
            answer = Task.CompletedTask;
            await AskedAgainAsync();
            Assert.Equal("WATCHDOG=1", await ReceiveAsync());
        }
        notifier.Stopping();
        Assert.Equal("STOPPING=1\nSTATUS=Stopping", await ReceiveAsync());
        Assert.Single(log.ToString().Split('\n'), line => line.Contains("the data plane hangs", StringComparison.Ordinal));

        Task Ask()
        {
            Interlocked.Increment(ref asked);
            wasAsked.Release();
            return answer;
        }

        // The clock goes on until the next question, however many of its steps that takes.
        async Task AskedAgainAsync()
        {
            while (!await wasAsked.WaitAsync(TimeSpan.FromMilliseconds(10), Cancel))
            {
                _time.Advance(TimeSpan.FromMilliseconds(500));
            }
        }
    }

    private async Task<string> ReceiveAsync()
    {
        byte[] buffer = new byte[256];
        return Encoding.UTF8.GetString(buffer, 0, await _manager.ReceiveAsync(buffer, Cancel));
    }
}
