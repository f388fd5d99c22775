using TunnelMesh.Platform.Journals;
using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Tests.Journals;

public sealed class JournalLockTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm-journal-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_journal_is_held_from_when_it_is_written_until_its_process_lets_go_and_one_that_is_not_there_by_nobody()
    {
        string path = Path.Combine(_folder.FullName, "dns.json");
        Assert.False(JournalLock.IsHeld(path));
        SystemDnsJournal journal = new(path);
        journal.Write(new SystemDnsEntry { Backend = "resolv.conf", Interface = "tun-mesh0" });
        Assert.True(JournalLock.IsHeld(path));
        // Whoever looks does not take it away.
        Assert.True(journal.IsHeld);
        journal.Dispose();
        Assert.False(JournalLock.IsHeld(path));
        Assert.True(File.Exists(path));
    }

    [Fact]
    public void Whoever_looks_does_not_hold_it_for_others()
    {
        string path = Path.Combine(_folder.FullName, "dns.json");
        using (SystemDnsJournal journal = new(path))
        {
            journal.Write(new SystemDnsEntry { Backend = "resolv.conf", Interface = "tun-mesh0" });
        }
        using FileStream other = new(path, FileMode.Open, FileAccess.Read, FileShare.Read);
        Assert.False(JournalLock.IsHeld(path));
    }

    [Fact]
    public void The_journal_of_a_peer_that_runs_is_neither_taken_for_damaged_nor_written_over()
    {
        string path = Path.Combine(_folder.FullName, "dns.json");
        using SystemDnsJournal running = new(path);
        running.Write(new SystemDnsEntry { Backend = "resolv.conf", Interface = "tun-mesh0" });
        using SystemDnsJournal second = new(path);
        Assert.Null(second.Read(out string? problem));
        Assert.Contains("a running peer has it", problem, StringComparison.Ordinal);
        Assert.Contains("another peer", Assert.Throws<IOException>(() => second.Write(new SystemDnsEntry { Backend = "resolvconf", Interface = "tun-mesh1" })).Message, StringComparison.Ordinal);
        Assert.Equal([path], Directory.GetFiles(_folder.FullName));
        running.Dispose();
        Assert.Equal("tun-mesh0", second.Read(out _)?.Interface);
    }
}
