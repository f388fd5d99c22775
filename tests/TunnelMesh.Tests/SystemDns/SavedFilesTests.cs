using System.Text;
using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Tests.SystemDns;

public sealed class SavedFilesTests : IDisposable
{
    private const string Short = "nameserver 192.0.2.1\n", Long = "search example.com\nnameserver 192.0.2.1\nnameserver 192.0.2.2\noptions edns0\n";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm-files-");

    private string Conf => Path.Combine(_folder.FullName, "resolv.conf");

    public void Dispose() => _folder.Delete(recursive: true);

    private SavedFile Save(string before, string ours)
    {
        File.WriteAllText(Conf, before);
        return SavedFiles.Read(Conf, Encoding.UTF8.GetBytes(ours));
    }

    // As a process leaves it that is killed when it has written and not cut yet.
    private void Tear(string written, string over) => File.WriteAllText(Conf, written + over[written.Length..]);

    [Theory]
    [InlineData(Long, "# ours\n", "# ours\n", Long)]
    [InlineData(Short, "# ours\n# more of ours\nnameserver 127.0.0.53\n", Short, "# ours\n# more of ours\nnameserver 127.0.0.53\n")]
    public void What_was_there_comes_back_after_a_process_that_was_killed_while_it_wrote(string before, string ours, string written, string over)
    {
        SavedFile saved = Save(before, ours);
        Tear(written, over);
        Assert.False(SavedFiles.IsOurs(saved));
        SavedFiles.Restore(saved);
        Assert.Equal(before, File.ReadAllText(Conf));
    }

    [Theory]
    [InlineData("options edns0", "options rotate")]
    [InlineData("192.0.2.2", "192.0.2.3")]
    [InlineData("# ours", "# mine")]
    public void What_somebody_wrote_behind_ours_is_theirs(string word, string instead)
    {
        SavedFile saved = Save(Long, "# ours\n");
        string theirs = ("# ours\n" + Long["# ours\n".Length..]).Replace(word, instead, StringComparison.Ordinal);
        File.WriteAllText(Conf, theirs);
        SavedFiles.Restore(saved);
        Assert.Equal(theirs, File.ReadAllText(Conf));
    }
}
