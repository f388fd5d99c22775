using System.Net;
using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Tests.SystemDns;

/// <summary>Peers of several homes in one directory of the test's own.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class SystemDnsTurnTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm-turn-");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    private SystemDnsTurn Turn(string owner) => new(Path.Combine(_folder.FullName, "shared", "names-1"), owner, TimeProvider.System);

    [Fact]
    public void One_has_it_until_it_lets_go_and_the_others_know_who()
    {
        using SystemDnsTurn first = Turn("default (/a)"), second = Turn("default (/b)");
        Assert.True(first.TryTake(out string? holder));
        Assert.Null(holder);
        Assert.True(first.TryTake(out _));
        Assert.False(second.TryTake(out holder));
        Assert.Equal("default (/a)", holder);
        first.Release();
        Assert.True(second.TryTake(out _));
        Assert.False(first.TryTake(out holder));
        Assert.Equal("default (/b)", holder);
        second.Dispose();
        Assert.True(first.TryTake(out _));
        first.Release();
        // With the last of them nothing stays.
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux tells files apart");
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_folder.FullName, "shared")));
    }

    [Fact]
    public async Task Whoever_asks_has_it_once_the_holder_has_looked_and_let_go()
    {
        using SystemDnsTurn first = Turn("default (/a)"), second = Turn("work (/b)");
        Assert.True(first.TryTake(out _));
        Assert.Null(first.WantedBy());
        Task<bool> asked = second.AskAsync(Cancel);
        string? by;
        while ((by = first.WantedBy()) is null)
        {
            await Task.Delay(10, Cancel);
        }
        Assert.Equal("work (/b)", by);
        // The other has it as soon as it is free.
        Assert.False(asked.IsCompleted);
        first.Release();
        Assert.True(await asked);
        Assert.False(first.TryTake(out _));
        Assert.Null(second.WantedBy());
    }

    [Fact]
    public async Task One_that_is_asked_for_nothing_and_one_that_stops_asking_leave_nothing_behind()
    {
        using SystemDnsTurn first = Turn("default (/a)"), second = Turn("work (/b)");
        Assert.True(first.TryTake(out _));
        using CancellationTokenSource soon = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        Task<bool> asked = second.AskAsync(soon.Token);
        await soon.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        Assert.Null(first.WantedBy());
        first.Release();
        Assert.True(await second.AskAsync(Cancel));
    }

    [Fact]
    public void Where_there_can_be_no_file_it_is_taken()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "shared"), "no directory");
        using SystemDnsTurn turn = Turn("default (/a)");
        Assert.True(turn.TryTake(out _));
        Assert.Null(turn.WantedBy());
    }

    [Fact]
    public void A_set_up_waits_for_its_turn_and_gives_it_up_with_the_system()
    {
        string conf = Path.Combine(_folder.FullName, "resolv.conf");
        File.WriteAllText(conf, "nameserver 192.0.2.1\n");
        SystemDnsSetup Setup(string owner)
        {
            SystemDnsPlaces places = new() { ResolvConf = conf, Resolved = Path.Combine(_folder.FullName, "none"), Programs = [], Journal = Path.Combine(_folder.FullName, owner) };
            return new SystemDnsSetup(places, SystemDnsSetup.Linux(places), () => null, Turn(owner));
        }
        SystemDnsRequest request = new("tun", IPAddress.Parse("10.42.0.2"), null, ["mesh"], "tag");
        using SystemDnsSetup first = Setup("a"), second = Setup("b");
        Assert.Null(first.Apply(request));
        Assert.Contains("another peer of this machine has set the system up: a", second.Apply(request), StringComparison.Ordinal);
        Assert.Equal(("a", null), (second.HeldBy, second.Way));
        Assert.Null(first.Revert());
        Assert.Null(second.Apply(request));
        Assert.Equal((null, "resolv.conf"), (second.HeldBy, second.Way));
        Assert.NotNull(first.Apply(request));
        // Killed: the kernel lets go of the file, and the next one cleans up.
        second.Dispose();
        Assert.Null(first.Apply(request));
        Assert.Null(first.Revert());
        Assert.Equal("nameserver 192.0.2.1\n", File.ReadAllText(conf));
    }
}
