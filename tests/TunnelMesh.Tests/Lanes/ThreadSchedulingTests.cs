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
        Assert.SkipUnless(File.Exists("/usr/bin/taskset"), "taskset of util-linux is missing");
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
        int[] online = [.. Online()];
        int? processor = schedule.Stay();
        Assert.NotNull(processor);
        string other = online.First(p => p != processor).ToString(CultureInfo.InvariantCulture);
        RunTaskset(other);
        Assert.False(schedule.Roam());
        Assert.Equal(other, Allowed());
    });

    [Fact]
    public Task A_set_as_wide_as_can_be_is_nobodys_choice() => OnThreadAsync(schedule =>
    {
        string before = Allowed();
        Assert.NotNull(schedule.Stay());
        RunTaskset(before);
        Assert.True(schedule.Roam());
        Assert.Equal(before, Allowed());
    });

    [Fact]
    public Task A_thread_that_ends_does_not_leave_its_processor_to_others() => OnThreadAsync(schedule =>
    {
        string before = Allowed();
        Assert.NotNull(schedule.Stay());
        schedule.Dispose();
        Assert.Equal(before, Allowed());
    });

    [Fact]
    public Task A_thread_on_the_one_processor_that_it_was_given_is_left_there() => OnThreadAsync(schedule =>
    {
        string here = schedule.Stay()!.Value.ToString(CultureInfo.InvariantCulture);
        Assert.True(schedule.Roam());
        RunTaskset(here);
        Assert.Null(schedule.Stay());
        // Nor does another thread that stays there take it for an heir.
        Task.Run(() => OnThreadAsync(other =>
        {
            for (int? there = null; there?.ToString(CultureInfo.InvariantCulture) != here; there = other.Stay())
            {
                Assert.True(there is null || other.Roam());
                string before = Allowed();
                RunTaskset(here);
                RunTaskset(before);
            }

            other.FreeHeirs();
        })).GetAwaiter().GetResult();
        Assert.Equal(here, Allowed());
    });

    [Fact]
    public async Task Threads_that_took_the_processor_over_are_freed_and_those_that_stay_there_themselves_are_not()
    {
        using Barrier step = new(3);
        string before = "", heir = "", other = "";
        int processor = -1;
        Task[] threads =
        [
            OnThreadAsync(schedule =>
            {
                before = Allowed();
                processor = schedule.Stay()!.Value;
                Meet(step);
                Meet(step);
                schedule.FreeHeirs();
                Meet(step);
                schedule.Roam();
            }),
            OnThreadAsync(_ =>
            {
                Meet(step);
                // As a thread begun by the first would be; this runtime, when it compiles as it goes, undoes that itself.
                RunTaskset(processor.ToString(CultureInfo.InvariantCulture));
                Meet(step);
                Meet(step);
                heir = Allowed();
            }),
            OnThreadAsync(schedule =>
            {
                Meet(step);
                // It is mostly still where it was led.
                for (int? there = null; there != processor; there = schedule.Stay())
                {
                    Assert.True(there is null || schedule.Roam());
                    RunTaskset(processor.ToString(CultureInfo.InvariantCulture));
                    RunTaskset(before);
                }

                Meet(step);
                Meet(step);
                other = Allowed();
                Assert.True(schedule.Roam());
            }),
        ];
        await Task.WhenAll(threads).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Equal((before, processor.ToString(CultureInfo.InvariantCulture)), (heir, other));
    }

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
                using ThreadScheduling? schedule = ThreadScheduling.OfThisThread();
                Assert.SkipWhen(schedule is null, "the processors of this machine are of different strength, or its kernel does not tell how long a thread waits");
                test(schedule);
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        })
        { IsBackground = true }.Start();
        return done.Task;
    }

    // The others of a test that fails do not wait for it.
    private static void Meet(Barrier step) => Assert.True(step.SignalAndWait(TimeSpan.FromSeconds(20)), "another thread of this test failed");

    // Those of the list in Cpus_allowed_list that there are.
    private static IEnumerable<int> Online() => Numbers(Allowed()).Intersect(Numbers(File.ReadAllText("/sys/devices/system/cpu/online").Trim()));

    private static IEnumerable<int> Numbers(string list) => list.Split(',').Select(r => r.Split('-').Select(n => int.Parse(n, CultureInfo.InvariantCulture)).ToArray())
        .SelectMany(r => Enumerable.Range(r[0], r[^1] - r[0] + 1));

    private static string Allowed() =>
        File.ReadLines("/proc/thread-self/status").Single(l => l.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split(':')[1].Trim();

    private static string NativeId() => Path.GetFileName(new FileInfo("/proc/thread-self").LinkTarget!);

    // Of the calling thread.
    private static void RunTaskset(string processors)
    {
        using Process process = Process.Start(new ProcessStartInfo("taskset", ["--cpu-list", "--pid", processors, NativeId()]) { RedirectStandardOutput = true })!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
