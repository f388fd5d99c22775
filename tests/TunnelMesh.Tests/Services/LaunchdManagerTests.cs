using TunnelMesh.Platform.Services;

namespace TunnelMesh.Tests.Services;

public sealed class LaunchdManagerTests
{
    private const string Name = "tunnelmesh-work", Target = "system/io.tunnelmesh.tunnelmesh-work";
    private const string Print = $"launchctl print {Target}", Out = $"launchctl bootout {Target}", Kick = $"launchctl kickstart {Target}";
    private const string In = "launchctl bootstrap system /Library/LaunchDaemons/io.tunnelmesh.tunnelmesh-work.plist";
    private const string Running = "system/x = {\n\tactive count = 1\n\tstate = running\n\n\tendpoints = {\n\t\tstate = odd\n\t}\n\tpid = 481\n\tlast exit code = (never exited)\n}\n";
    private const string Ended = "system/x = {\n\tstate = not running\n\tlast exit code = 78: EX_CONFIG\n}\n";

    private readonly PlayedRunner _runner = new();
    private LaunchdManager Manager => new(null, _runner);

    [Fact]
    public void It_is_told_to_start_with_the_system_even_when_somebody_had_disabled_it()
    {
        Assert.Equal("/Library/LaunchDaemons/io.tunnelmesh.tunnelmesh-work.plist", Manager.DescriptionFile(Name));
        Manager.Register(SystemdUnitTests.Plain, force: false);
        Assert.Equal([$"launchctl enable {Target}"], _runner.Commands);
    }

    [Fact]
    public void What_is_not_loaded_is_loaded()
    {
        _runner.Answer(113, "Could not find service");
        Manager.StartNow(Name);
        Assert.Equal([Print, In], _runner.Commands);
    }

    [Fact]
    public void What_is_loaded_and_has_ended_is_kicked()
    {
        _runner.Answer(0, Ended);
        Manager.StartNow(Name);
        Assert.Equal([Print, Kick], _runner.Commands);
    }

    [Fact]
    public void What_runs_is_left_alone()
    {
        _runner.Answer(0, Running);
        Manager.StartNow(Name);
        Assert.Equal([Print], _runner.Commands);
    }

    [Fact]
    public void A_restart_waits_until_the_old_one_is_gone()
    {
        _runner.Answer(0, Running);
        _runner.Answer(36, "Operation now in progress");
        _runner.Answer(0, Running);
        _runner.Answer(113, "Could not find service");
        Manager.RestartNow(Name);
        Assert.Equal([Print, Out, Print, Print, In], _runner.Commands);
    }

    [Fact]
    public void A_stop_that_is_refused_is_said_and_one_of_nothing_is_none()
    {
        _runner.Answer(0, Running);
        _runner.Answer(1, "Operation not permitted");
        _runner.Answer(0, Running);
        Assert.Contains("not permitted", Assert.Throws<ServiceException>(() => Manager.StopNow(Name)).Message, StringComparison.Ordinal);
        _runner.Commands.Clear();
        _runner.Answer(113, "");
        Manager.Unregister(Name);
        Assert.Equal([Print], _runner.Commands);
    }

    [Theory]
    [InlineData(0, Running, "io.tunnelmesh.tunnelmesh-work: running, process 481", true)]
    [InlineData(0, Ended, "io.tunnelmesh.tunnelmesh-work: not running, ended with code 78: EX_CONFIG before", false)]
    [InlineData(0, "words of another version", "io.tunnelmesh.tunnelmesh-work: loaded", false)]
    [InlineData(113, "Could not find service", "io.tunnelmesh.tunnelmesh-work: stopped (not loaded), starts with the system", false)]
    public void Its_state_is_read_from_what_launchd_prints(int code, string text, string line, bool runs)
    {
        _runner.Answer(code, text);
        using StringWriter output = new();
        Assert.Equal(runs, Manager.ShowStatus(Name, output));
        Assert.Equal(line, output.ToString().TrimEnd());
    }

    [Theory]
    [InlineData(false, "tail -n 7 /var/log/tunnelmesh-work.log")]
    [InlineData(true, "tail -n 7 -F /var/log/tunnelmesh-work.log")]
    public async Task Its_log_is_the_file_of_the_list(bool follow, string command)
    {
        Assert.True(await Manager.ShowLogsAsync(Name, 7, follow, TextWriter.Null, TestContext.Current.CancellationToken));
        Assert.Equal([command], _runner.Commands);
    }

    [Fact]
    public void Below_a_scratch_root_launchd_is_not_asked()
    {
        LaunchdManager manager = new("/srv/image", _runner);
        manager.Register(SystemdUnitTests.Plain, force: false);
        manager.Unregister(Name);
        Assert.False(manager.IsActive(Name));
        Assert.Empty(_runner.Commands);
        Assert.Equal("/srv/image/Library/LaunchDaemons/io.tunnelmesh.tunnelmesh-work.plist", manager.DescriptionFile(Name));
    }

    [Theory]
    [InlineData(null, null, "secret peer a b\n")]
    [InlineData("/etc/passwd", null, "secret peer a b\n")]
    [InlineData("/etc/passwd", "/nowhere/left", "secret peer a b\n")]
    [InlineData("/nowhere/mesh.json", null, "")]
    [InlineData(null, "/etc/passwd", "")]
    public void The_shell_of_a_list_reads_the_variables_and_runs_the_peer_unless_it_has_nothing_to_run(string? condition, string? obstacle, string expected)
    {
        Assert.SkipUnless(File.Exists("/bin/sh"), "needs /bin/sh");
        string variables = Path.GetTempFileName();
        try
        {
            File.WriteAllText(variables, "TOKEN=secret\n");
            string list = LaunchdPlist.Write(SystemdUnitTests.Plain with { EnvironmentFile = variables, OnlyWhenExists = condition, NotWhenExists = obstacle, Program = "/bin/sh", Arguments = ["-c", "echo $TOKEN peer \"$1\"", "x", "a b"] });
            System.Xml.XmlReaderSettings settings = new() { DtdProcessing = System.Xml.DtdProcessing.Ignore };
            using System.Xml.XmlReader reader = System.Xml.XmlReader.Create(new StringReader(list), settings);
            string[] command = [.. System.Xml.Linq.XDocument.Load(reader).Root!.Element("dict")!.Elements("array").Single().Elements("string").Select(e => e.Value)];
            using System.Diagnostics.Process shell = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true })!;
            Assert.Equal(expected, shell.StandardOutput.ReadToEnd());
            shell.WaitForExit();
            Assert.Equal(0, shell.ExitCode);
        }
        finally
        {
            File.Delete(variables);
        }
    }
}
