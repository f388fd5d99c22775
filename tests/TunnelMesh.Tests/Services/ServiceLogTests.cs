using TunnelMesh.Platform.Services;

namespace TunnelMesh.Tests.Services;

public sealed class ServiceLogTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm");

    private string Path => System.IO.Path.Combine(_folder.FullName, "x.log");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_log_keeps_within_its_limit_and_its_end_is_shown_across_both_files()
    {
        using (ServiceLog log = new(Path, limit: 100))
        {
            for (int i = 0; i < 50; i++)
            {
                await log.WriteLineAsync($"line {i} of the log");
            }
        }

        Assert.InRange(new FileInfo(Path).Length, 1, 100);
        Assert.InRange(new FileInfo(Path + ".1").Length, 1, 100);
        Assert.Equal("line 44 of the log,line 45 of the log,line 46 of the log,line 47 of the log,line 48 of the log,line 49 of the log", await LastAsync(6));
        Assert.Equal("", await LastAsync(0));
        // It is gone on with.
        using ServiceLog again = new(Path, limit: 100);
        again.WriteLine("more");
        Assert.Equal("line 49 of the log,more", await LastAsync(2));
    }

    [Fact]
    public async Task Who_follows_sees_what_comes_also_in_the_next_file()
    {
        using ServiceLog log = new(Path, limit: 60);
        log.WriteLine("the first line, which is of some length");
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        SeenWriter output = new();
        Task following = ServiceLog.ShowAsync(Path, 1, follow: true, output, TimeProvider.System, stop.Token);
        await output.SeesAsync("the first line", Cancel);
        log.WriteLine("second");
        await output.SeesAsync("second", Cancel);
        log.WriteLine("third, a new file");
        await output.SeesAsync("third", Cancel);
        await stop.CancelAsync();
        await following;
        Assert.True(File.Exists(Path + ".1"));
    }

    [Fact]
    public async Task Without_a_log_it_is_said_when_there_will_be_one() =>
        Assert.Equal(ServiceProblem.NotRunning, (await Assert.ThrowsAsync<ServiceException>(() => ServiceLog.ShowAsync(Path, 1, follow: false, TextWriter.Null, TimeProvider.System, Cancel))).Problem);

    private async Task<string> LastAsync(int lines)
    {
        using StringWriter output = new();
        await ServiceLog.ShowAsync(Path, lines, follow: false, output, TimeProvider.System, Cancel);
        return string.Join(',', output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    // Lets a test wait for words.
    private sealed class SeenWriter : StringWriter
    {
        private readonly SemaphoreSlim _wrote = new(0);
        private readonly Lock _gate = new();

        public override Task WriteAsync(string? value)
        {
            Add(value);
            return Task.CompletedTask;
        }

        public override Task WriteLineAsync(string? value) => WriteAsync(value + "\n");

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public async Task SeesAsync(string words, CancellationToken cancel)
        {
            while (!Has(words))
            {
                await _wrote.WaitAsync(cancel);
            }
        }

        private void Add(string? value)
        {
            lock (_gate)
            {
                GetStringBuilder().Append(value);
            }

            if (!string.IsNullOrEmpty(value))
            {
                _wrote.Release();
            }
        }

        private bool Has(string words)
        {
            lock (_gate)
            {
                return GetStringBuilder().ToString().Contains(words, StringComparison.Ordinal);
            }
        }
    }
}
