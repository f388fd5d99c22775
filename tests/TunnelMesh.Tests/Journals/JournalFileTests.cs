using TunnelMesh.Platform.Journals;
using TunnelMesh.Platform.SystemDns;
using TunnelMesh.Tests.Files;

namespace TunnelMesh.Tests.Journals;

/// <summary>What somebody may put in place of a journal that lies in a directory of theirs.</summary>
public sealed class JournalFileTests : IDisposable
{
    private static readonly SystemDnsEntry Entry = new() { Backend = "resolv.conf", Interface = "tun-mesh0" };
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm-journal-");

    public JournalFileTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "elsewhere nobody else's journals are read");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Journal => Path.Combine(_folder.FullName, "dns.json");

    public void Dispose() => _folder.Delete(recursive: true);

    private void Leave(string? path = null)
    {
        using SystemDnsJournal journal = new(path ?? Journal);
        journal.Write(Entry);
    }

    // A thread that waits for the other end of a pipe does so for ever.
    private async Task<(SystemDnsEntry? Entry, string? Problem, bool Held)> LookAsync() => await Task.Run(() =>
    {
        using SystemDnsJournal journal = new(Journal);
        bool held = journal.IsHeld;
        return (journal.Read(out string? problem), problem, held);
    }, Cancel).WaitAsync(TimeSpan.FromSeconds(20), Cancel);

    [Theory]
    [InlineData("pipe", "is no regular file")]
    [InlineData("link", "is a symbolic link")]
    [InlineData("device", "is a symbolic link")]
    [InlineData("large", "is larger than 1048576 bytes")]
    public async Task What_is_no_journal_is_held_by_nobody_and_kept_aside_unread(string kind, string reason)
    {
        string other = Path.Combine(_folder.FullName, "other.json");
        switch (kind)
        {
            case "pipe":
                ForeignFiles.MakePipe(Journal);
                break;
            case "link":
                Leave(other);
                File.CreateSymbolicLink(Journal, other);
                break;
            case "device":
                File.CreateSymbolicLink(Journal, "/dev/zero");
                break;
            default:
                Leave();
                await File.AppendAllTextAsync(Journal, new string(' ', 1 << 20), Cancel);
                break;
        }

        (SystemDnsEntry? entry, string? problem, bool held) = await LookAsync();
        Assert.Null(entry);
        Assert.False(held);
        Assert.StartsWith($"The journal of the DNS set-up is damaged and was kept as {Journal}.damaged (", problem, StringComparison.Ordinal);
        Assert.Contains(reason, problem, StringComparison.Ordinal);
        Assert.Equal(kind == "link", File.Exists(other));
        Assert.Equal((null, null, false), await LookAsync());
        // And a peer goes on as ever.
        Leave();
        Assert.Equal(Entry.Interface, (await LookAsync()).Entry?.Interface);
    }

    [Fact]
    public async Task That_of_another_user_is_left_where_it_is()
    {
        Leave();
        ForeignFiles.GiveAway(Journal);
        (SystemDnsEntry? entry, string? problem, bool held) = await LookAsync();
        Assert.Null(entry);
        Assert.False(held);
        Assert.Contains("it belongs to user 4711", problem, StringComparison.Ordinal);
        Assert.Null(JournalFile.Peek(Journal, 1 << 20));
        Assert.Equal([Journal], Directory.GetFiles(_folder.FullName));
        // Whether somebody holds it is seen all the same.
        using FileStream holder = new(Journal, FileMode.Open, FileAccess.Read, FileShare.None);
        Assert.True((await LookAsync()).Held);
    }

    [Fact]
    public async Task What_cannot_be_kept_aside_is_told()
    {
        await File.WriteAllTextAsync(Journal, "no journal", Cancel);
        Directory.CreateDirectory(Path.Combine(Journal + ".damaged", "in the way"));
        Assert.Contains("cannot be moved out of the way", (await LookAsync()).Problem, StringComparison.Ordinal);
        Assert.True(File.Exists(Journal));
    }

    [Fact]
    public void What_a_process_holds_is_seen_by_who_only_looks()
    {
        using SystemDnsJournal running = new(Journal);
        running.Write(Entry);
        Assert.NotNull(JournalFile.Peek(Journal, 1 << 20));
        Assert.Null(JournalFile.Peek(Journal, 10));
        Assert.Null(JournalFile.Peek(Journal + "s", 1 << 20));
        Assert.Contains("in use", Assert.Throws<IOException>(() => JournalFile.Read(Journal, 1 << 20)).Message, StringComparison.Ordinal);
    }
}
