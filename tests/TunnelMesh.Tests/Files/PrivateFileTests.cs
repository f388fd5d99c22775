using TunnelMesh.Platform.Files;

namespace TunnelMesh.Tests.Files;

public sealed class PrivateFileTests : IDisposable
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite, All = Owner | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm-files-");

    private string File1 => Path.Combine(_folder.FullName, "a");

    public void Dispose() => _folder.Delete(recursive: true);

    private static UnixFileMode Mode(string path) => OperatingSystem.IsWindows() ? Owner : File.GetUnixFileMode(path);

    [Fact]
    public void A_file_is_replaced_whole_its_owner_s_alone_whatever_was_there_and_nothing_else_is_left()
    {
        File.WriteAllText(File1, "old and longer");
        File.WriteAllText(File1 + ".tmp", "of a crash");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(File1, All);
            File.SetUnixFileMode(File1 + ".tmp", All);
        }

        PrivateFile.Replace(File1, "new"u8);
        Assert.Equal("new", File.ReadAllText(File1));
        Assert.Equal(Owner, Mode(File1));
        PrivateFile.ReplaceShared(File1, "newer"u8);
        Assert.Equal("newer", File.ReadAllText(File1));
        Assert.Equal(Owner, Mode(File1));
        Assert.Equal([File1], Directory.GetFiles(_folder.FullName));
    }

    [Fact]
    public void Of_several_that_hold_a_file_one_does_until_it_lets_go_and_what_cannot_be_held_is_no_other_s_hold()
    {
        FileStream?[] held = new FileStream?[8];
        Parallel.For(0, held.Length, i => held[i] = PrivateFile.TryHold(File1));
        FileStream hold = Assert.Single(held.OfType<FileStream>());
        Assert.Equal(Owner, Mode(File1));
        Assert.Null(PrivateFile.TryHold(File1));
        hold.Dispose();
        PrivateFile.TryHold(File1)!.Dispose();
        Assert.True(File.Exists(File1));
        Assert.ThrowsAny<IOException>(() => PrivateFile.TryHold(Path.Combine(File1, "below a file")));
        Assert.Throws<UnauthorizedAccessException>(() => PrivateFile.TryHold(_folder.FullName));
    }

    [Fact]
    public void What_is_no_secret_may_be_read_by_others()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "modes are Unix's");
        PrivateFile.Replace(File1, "unit"u8, UnixFileMode.GroupRead | UnixFileMode.OtherRead);
        Assert.Equal(All, Mode(File1));
    }

    [Fact]
    public void Of_several_that_write_a_new_file_one_does_and_the_others_are_told()
    {
        bool[] won = new bool[8];
        Parallel.For(0, won.Length, i => won[i] = PrivateFile.TryWriteNew(File1, [(byte)i]));
        int winner = Array.IndexOf(won, true);
        Assert.Single(won, w => w);
        Assert.Equal([(byte)winner], File.ReadAllBytes(File1));
        Assert.Equal(Owner, Mode(File1));
        Assert.Equal([File1], Directory.GetFiles(_folder.FullName));
    }

    [Fact]
    public void A_file_that_cannot_be_written_is_a_failure_and_leaves_nothing()
    {
        string nowhere = Path.Combine(_folder.FullName, "missing", "a");
        Assert.ThrowsAny<IOException>(() => PrivateFile.Replace(nowhere, "x"u8));
        Assert.ThrowsAny<IOException>(() => PrivateFile.TryWriteNew(nowhere, "x"u8));
        // A directory is in the way of the name.
        Directory.CreateDirectory(File1);
        Assert.ThrowsAny<Exception>(() => PrivateFile.Replace(File1, "x"u8));
        Assert.Empty(Directory.GetFiles(_folder.FullName));
    }

    [Fact]
    public void One_that_is_open_belongs_to_whoever_opened_it()
    {
        using FileStream held = PrivateFile.Open(File1, FileMode.OpenOrCreate);
        Assert.Equal(Owner, Mode(File1));
        Assert.ThrowsAny<IOException>(() => PrivateFile.Open(File1, FileMode.OpenOrCreate));
    }
}
