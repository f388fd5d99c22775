using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.Journals;

namespace TunnelMesh.Tests.Exit;

/// <summary>The order of writing, making and undoing, whatever is made.</summary>
public sealed class ExitJournalTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm-exit-");
    private readonly List<string> _undone = [];

    public void Dispose() => _folder.Delete(recursive: true);

    private string Path => System.IO.Path.Combine(_folder.FullName, "exit.json");

    private static ExitEntry Entry(string name, bool blocks = false) => new() { Interface = name, Blocks = blocks };

    private ExitJournal Open() => new(Path, "Look.");

    private void Leave(ExitEntry entry)
    {
        using ExitJournal killed = Open();
        killed.Write(entry);
    }

    private string? Undo(ExitJournal journal, ExitEntry entry, string? problem = null)
    {
        _undone.Add(entry.Interface);
        return journal.Finish(problem);
    }

    [Fact]
    public void It_is_written_before_anything_is_made_and_goes_when_that_is_undone()
    {
        using ExitJournal journal = Open();
        journal.Begin(Entry("tun0"), () =>
        {
            Assert.True(File.Exists(Path));
            Assert.True(journal.IsHeld);
            Assert.Equal("tun0", journal.Entry?.Interface);
            journal.Become(Entry("tun1"));
        }, e => Undo(journal, e));
        Assert.Equal("tun1", journal.Current?.Interface);
        Assert.Empty(_undone);
        ExitEntry ended = journal.Release()!;
        Assert.Null(journal.Current);
        // What cannot be undone stays written down.
        Assert.Equal("busy", Undo(journal, ended, "busy"));
        Assert.True(File.Exists(Path));
        Assert.Null(Undo(journal, ended));
        Assert.False(File.Exists(Path));
        Assert.Null(journal.Release());
    }

    [Fact]
    public void What_fails_is_undone_as_far_as_it_came()
    {
        using ExitJournal journal = Open();
        Assert.Throws<ExitException>(() => journal.Begin(Entry("tun0"), () =>
        {
            journal.Become(Entry("further"));
            throw new ExitException("refused");
        }, e => Undo(journal, e)));
        Assert.Equal(["further"], _undone);
        Assert.Null(journal.Current);
        Assert.False(File.Exists(Path));
    }

    [Fact]
    public void What_cannot_be_written_is_not_made()
    {
        using ExitJournal journal = new(System.IO.Path.Combine(_folder.FullName, "missing", "exit.json"), "Look.");
        Assert.Contains("so it was not changed", Assert.Throws<ExitException>(() => journal.Begin(Entry("tun0"), () => Assert.Fail("made"), e => Undo(journal, e))).Message, StringComparison.Ordinal);
        Assert.Empty(_undone);
    }

    [Fact]
    public void A_kill_switch_is_kept_where_that_is_wanted_also_when_taking_it_over_fails()
    {
        Leave(Entry("before", blocks: true));
        using ExitJournal journal = Open();
        Recovery? kept = journal.Recover(keepBlock: true, e => $"{e.Interface} holds", e => Undo(journal, e));
        Assert.Equal(new Recovery("before holds", IsUndone: false), kept);
        Assert.Equal("before", journal.Left?.Interface);
        Assert.Throws<ExitException>(() => journal.Begin(Entry("after", blocks: true), () => throw new ExitException("refused"), e => Undo(journal, e)));
        Assert.Empty(_undone);
        Assert.Equal("after", journal.Left?.Interface);
        journal.Begin(Entry("after", blocks: true), () => { }, e => Undo(journal, e));
        Assert.Null(journal.Left);
        Assert.Equal("after", journal.Current?.Interface);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Anything_else_that_was_left_is_undone(bool keep, bool blocks)
    {
        Leave(Entry("before", blocks));
        using ExitJournal journal = Open();
        Recovery? told = journal.Recover(keep, _ => "", e => Undo(journal, e, "busy"));
        Assert.Equal((false, "cannot be undone: busy"), (told!.IsUndone, told.Text[^22..]));
        Assert.True(journal.Recover(keep, _ => "", e => Undo(journal, e))?.IsUndone);
        Assert.Null(journal.Recover(keep, _ => "", e => Undo(journal, e)));
        Assert.Equal(["before", "before"], _undone);
    }

    [Fact]
    public void One_that_fits_is_taken_over_and_another_undone_first()
    {
        using ExitJournal journal = Open();
        Assert.Null(journal.TakeOver(_ => true, e => Undo(journal, e)));
        Leave(Entry("before"));
        Assert.Equal("before", journal.TakeOver(_ => true, e => Undo(journal, e))?.Interface);
        Assert.Empty(_undone);
        Assert.Equal("busy", Assert.Throws<ExitException>(() => journal.TakeOver(_ => false, e => Undo(journal, e, "busy"))).Message);
        Assert.Null(journal.TakeOver(_ => false, e => Undo(journal, e)));
        Assert.Equal(["before", "before"], _undone);
        Assert.False(File.Exists(Path));
    }

    [Fact]
    public void One_that_is_damaged_is_kept_aside_and_says_where_to_look()
    {
        File.WriteAllText(Path, """{"interface":"tun0","anchor":null}""");
        using ExitJournal journal = Open();
        Recovery? told = journal.Recover(keepBlock: false, _ => "", e => Undo(journal, e));
        Assert.False(told?.IsUndone);
        Assert.EndsWith("Look.", told?.Text, StringComparison.Ordinal);
        Assert.True(File.Exists(Path + ".damaged"));
        Assert.Empty(_undone);
    }
}
