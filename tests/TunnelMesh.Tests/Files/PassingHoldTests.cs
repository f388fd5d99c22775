using TunnelMesh.Platform.Files;

namespace TunnelMesh.Tests.Files;

public sealed class PassingHoldTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm-hold-");

    public PassingHoldTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux tells files apart");

    private string File1 => Path.Combine(_folder.FullName, "a");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void One_has_it_and_the_file_goes_with_it()
    {
        PassingHold? first = PassingHold.TryTake(File1);
        Assert.NotNull(first);
        Assert.True(File.Exists(File1));
        Assert.Null(PassingHold.TryTake(File1));
        first.Dispose();
        Assert.False(File.Exists(File1));
        using PassingHold? second = PassingHold.TryTake(File1);
        Assert.NotNull(second);
        Assert.Null(PassingHold.TryTake(File1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whoever_holds_a_file_that_has_lost_its_name_since_takes_the_one_that_has_it_now(bool another)
    {
        // The last holder let go between the opening and the lock, and perhaps somebody has made it anew.
        int opened = 0;
        FileStream? Open(string path)
        {
            FileStream? file = PrivateFile.TryHold(path);
            if (opened++ == 0)
            {
                File.Delete(path);
                if (another)
                {
                    File.WriteAllText(path, "");
                }
            }

            return file;
        }

        using PassingHold? hold = PassingHold.TryTake(File1, Open);
        Assert.NotNull(hold);
        Assert.Equal(2, opened);
        Assert.Null(PassingHold.TryTake(File1));
    }

    [Fact]
    public void Where_that_happens_without_end_it_is_given_up()
    {
        int opened = 0;
        Assert.Null(PassingHold.TryTake(File1, path =>
        {
            FileStream? file = PrivateFile.TryHold(path);
            File.Delete(path);
            opened++;
            return file;
        }));
        Assert.Equal(100, opened);
    }

    [Fact]
    public void One_whose_file_was_removed_by_hand_does_not_take_another_s_away()
    {
        PassingHold first = PassingHold.TryTake(File1)!;
        File.Delete(File1);
        using PassingHold second = PassingHold.TryTake(File1)!;
        first.Dispose();
        Assert.True(File.Exists(File1));
        Assert.Null(PassingHold.TryTake(File1));
    }

    [Fact]
    public async Task Of_many_who_take_it_and_let_go_again_and_again_never_two_have_it_at_once()
    {
        const int rounds = 300;
        int inside = 0, most = 0, taken = 0;
        void Take()
        {
            for (int done = 0; done < rounds;)
            {
                using PassingHold? hold = PassingHold.TryTake(File1);
                if (hold is not null)
                {
                    InterlockedMax(ref most, Interlocked.Increment(ref inside));
                    Interlocked.Increment(ref taken);
                    Thread.Yield();
                    Interlocked.Decrement(ref inside);
                    done++;
                }
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(Take, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Assert.Equal((1, 4 * rounds), (most, taken));
        Assert.Empty(_folder.GetFiles());
    }

    private static void InterlockedMax(ref int place, int value)
    {
        for (int seen = Volatile.Read(ref place); seen < value; seen = Volatile.Read(ref place))
        {
            Interlocked.CompareExchange(ref place, value, seen);
        }
    }
}
