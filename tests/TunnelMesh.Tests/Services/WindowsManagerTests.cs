using TunnelMesh.Platform.Services;

namespace TunnelMesh.Tests.Services;

public sealed class WindowsManagerTests
{
    private const string Name = "tunnelmesh-work";
    private static readonly ServiceDefinition Service = SystemdUnitTests.Plain with { Program = @"C:\Program Files\TunnelMesh\tunnelmesh.exe", Environment = [new("HOME", @"C:\Users\Jo Smith")], OnlyWhenExists = null };
    private static readonly WindowsServiceStatus Running = new(WindowsServiceState.Running, Process: 481), Starting = new(WindowsServiceState.StartPending), Stopped = new(WindowsServiceState.Stopped);

    private readonly PlayedServiceControl _control = new();
    private WindowsManager Manager => new(_control, TimeProvider.System);

    [Fact]
    public void A_service_is_made_with_its_command_line_quoted_and_no_secret_in_it()
    {
        Assert.False(Manager.Exists(Name));
        Assert.True(Manager.Register(Service, force: false));
        Assert.True(Manager.Exists(Name));
        Assert.Equal(
            new WindowsServiceEntry(Name, "TunnelMesh (work)", "TunnelMesh peer, context work",
                "\"C:\\Program Files\\TunnelMesh\\tunnelmesh.exe\" @service tunnelmesh-work work - \"HOME=C:\\Users\\Jo Smith\" -- join hub.example:8443 --context work"),
            _control.Entry);
        // The same again is no change, and enables what somebody had disabled.
        Assert.False(Manager.Register(Service, force: false));
        Assert.Equal(["create", "change"], _control.Calls);
    }

    [Fact]
    public void One_that_differs_is_replaced_by_force_only()
    {
        Manager.Register(Service, force: false);
        ServiceDefinition other = Service with { Arguments = ["join"] };
        Assert.Equal(ServiceProblem.InUse, Assert.Throws<ServiceException>(() => Manager.RequireFree(other, force: false)).Problem);
        Assert.Throws<ServiceException>(() => Manager.Register(other, force: false));
        Assert.True(Manager.Register(other, force: true));
        Assert.EndsWith("-- join", _control.Entry!.CommandLine, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_s_service_is_never_touched()
    {
        _control.Entry = new(Name, "x", "x", "\"C:\\other.exe\" --context work");
        foreach (Action act in (Action[])[() => Manager.RequireFree(Service, force: true), () => Manager.Register(Service, force: true), () => Manager.Unregister(Name)])
        {
            Assert.Equal(ServiceProblem.InUse, Assert.Throws<ServiceException>(act).Problem);
        }

        Assert.Empty(_control.Calls);
    }

    [Fact]
    public void A_start_is_over_when_the_peer_is_usable()
    {
        Manager.Register(Service, force: false);
        _control.Then(Starting, Starting, Running);
        Manager.StartNow(Name);
        Assert.True(Manager.IsActive(Name));
        // One that runs already is fine, too.
        _control.Failures["start"] = WindowsServiceErrors.AlreadyRunning;
        Manager.StartNow(Name);
    }

    [Theory]
    [InlineData(6, "ended with code 6")]
    [InlineData(WindowsServiceErrors.ProcessAborted, "starts it again")]
    public void A_start_that_fails_says_how(int code, string words)
    {
        Manager.Register(Service, force: false);
        _control.Then(Starting, Stopped with { ExitCode = code });
        Assert.Contains(words, Assert.Throws<ServiceException>(() => Manager.StartNow(Name)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_removal_stops_first_and_waits_for_it()
    {
        Manager.Register(Service, force: false);
        _control.Calls.Clear();
        _control.Then(new WindowsServiceStatus(WindowsServiceState.StopPending), Stopped);
        Manager.Unregister(Name);
        Assert.Equal(["stop", "delete"], _control.Calls);
        Assert.Null(_control.Entry);
    }

    [Fact]
    public void What_does_not_run_is_started_by_a_restart()
    {
        Manager.Register(Service, force: false);
        _control.Calls.Clear();
        _control.Failures["stop"] = WindowsServiceErrors.NotActive;
        _control.Then(Stopped, Running);
        Manager.RestartNow(Name);
        Assert.Equal(["stop", "start"], _control.Calls);
    }

    [Theory]
    [InlineData(WindowsServiceErrors.AccessDenied, ServiceProblem.Denied, "Run as administrator")]
    [InlineData(WindowsServiceErrors.MarkedForDelete, ServiceProblem.InUse, "Close them")]
    [InlineData(WindowsServiceErrors.DuplicateName, ServiceProblem.InUse, "another --context")]
    [InlineData(87, ServiceProblem.Other, "error 87")]
    public void What_the_system_refuses_is_said_with_a_way_out(int code, ServiceProblem problem, string words)
    {
        _control.Failures["create"] = code;
        ServiceException e = Assert.Throws<ServiceException>(() => Manager.Register(Service, force: false));
        Assert.Equal(problem, e.Problem);
        Assert.Contains(words, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(WindowsServiceState.Running, 0, "tunnelmesh-work: running, process 481", true)]
    [InlineData(WindowsServiceState.StartPending, 0, "tunnelmesh-work: starting, process 481", false)]
    [InlineData(WindowsServiceState.Stopped, 0, "tunnelmesh-work: stopped", false)]
    [InlineData(WindowsServiceState.Stopped, 3, "tunnelmesh-work: stopped with code 3", false)]
    public void Its_state_is_said_in_words(WindowsServiceState state, int code, string line, bool runs)
    {
        Manager.Register(Service, force: false);
        _control.Then(new WindowsServiceStatus(state, ExitCode: code, Process: 481));
        using StringWriter output = new();
        Assert.Equal(runs, Manager.ShowStatus(Name, output));
        Assert.Equal(line, output.ToString().TrimEnd());
    }
}
