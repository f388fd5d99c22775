using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using TunnelMesh.Platform.Lanes;

namespace TunnelMesh.Tests.Lanes;

[SupportedOSPlatform("linux")]
public sealed class ThreadSchedulingTests
{
    public ThreadSchedulingTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        Assert.SkipUnless(Environment.ProcessorCount > 1, "with one processor there is nothing to choose");
    }

    [Fact]
    public Task Times_of_the_thread_grow_with_what_it_does() => OnThreadAsync(schedule =>
    {
        Assert.True(schedule.TryGetTimes(out TimeSpan ran, out TimeSpan waited));
        TimeSpan later = ran, waitedLater = waited;
        for (long began = Stopwatch.GetTimestamp(); later - ran < TimeSpan.FromMilliseconds(20);)
        {
            Assert.True(schedule.TryGetTimes(out later, out waitedLater));
            Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(30), "the thread's time does not pass");
        }

        Assert.True(waitedLater >= waited);
    });

    [Fact]
    public Task It_stays_on_the_processor_where_it_is_and_roams_as_before() => OnThreadAsync(schedule =>
    {
        string before = Allowed();
        int? processor = schedule.Stay();
        Assert.NotNull(processor);
        Assert.Equal(processor.Value.ToString(CultureInfo.InvariantCulture), Allowed());
        Assert.True(schedule.Roam());
        Assert.Equal(before, Allowed());
    });

    [Fact]
    public Task What_somebody_else_sets_meanwhile_is_theirs() => OnThreadAsync(schedule =>
    {
        string before = Allowed();
        Assert.NotNull(schedule.Stay());
        // The same threads as before, which is no longer the one.
        RunTaskset("--cpu-list", "--pid", before, NativeId());
        Assert.False(schedule.Roam());
        Assert.Equal(before, Allowed());
    });

    [Fact]
    public Task A_thread_on_the_one_processor_that_it_was_given_is_left_there() => OnThreadAsync(schedule =>
    {
        string before = Allowed();
        string last = before.Split(',', '-')[^1];
        RunTaskset("--cpu-list", "--pid", last, NativeId());
        Assert.Null(schedule.Stay());
        Assert.Equal(last, Allowed());
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false, "cpu0/cpu_capacity=1024", "cpu1/cpu_capacity=446")]
    [InlineData(true, "cpu0/cpu_capacity=1024", "cpu1/cpu_capacity=1024", "cpufreq/cpu_capacity=3")]
    [InlineData(false, "../../cpu_atom/type=10")]
    public void Processors_of_different_strength_are_told_apart(bool equal, params string[] files)
    {
        string devices = Directory.CreateTempSubdirectory("tunnelmesh-devices-").FullName;
        try
        {
            foreach (string[] file in files.Select(f => f.Split('=')))
            {
                string path = Path.GetFullPath(Path.Combine(devices, "system/cpu", file[0]));
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                File.WriteAllText(path, file[1] + "\n");
            }

            Assert.Equal(equal, ProcessorStrength.IsEqual(devices));
        }
        finally
        {
            Directory.Delete(devices, recursive: true);
        }
    }

    // A thread of its own, since what is set stays with it.
    private static Task OnThreadAsync(Action<ThreadScheduling> test)
    {
        TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                Assert.SkipUnless(ProcessorStrength.IsEqual("/sys/devices"), "the processors of this machine are of different strength");
                using ThreadScheduling? schedule = ThreadScheduling.OfThisThread();
                Assert.NotNull(schedule);
                test(schedule);
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }).Start();
        return done.Task;
    }

    private static string Allowed() =>
        File.ReadLines("/proc/thread-self/status").Single(l => l.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split(':')[1].Trim();

    private static string NativeId() => Path.GetFileName(new FileInfo("/proc/thread-self").LinkTarget!);

    private static void RunTaskset(params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo("taskset", arguments) { RedirectStandardOutput = true })!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
