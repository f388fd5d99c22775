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
}
