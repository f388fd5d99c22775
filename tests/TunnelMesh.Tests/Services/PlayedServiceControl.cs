using TunnelMesh.Platform.Services;

namespace TunnelMesh.Tests.Services;

/// <summary>A service control manager with one service at most, which takes the states that a test gives it, one a question; the last one stays.</summary>
internal sealed class PlayedServiceControl : IWindowsServiceControl
{
    private readonly Queue<WindowsServiceStatus> _next = [];
    private WindowsServiceStatus _status = new(WindowsServiceState.Stopped);

    public List<string> Calls { get; } = [];
    public WindowsServiceEntry? Entry { get; set; }
    // By the name of the call, what it answers instead.
    public Dictionary<string, int> Failures { get; } = [];

    public void Then(params WindowsServiceStatus[] states)
    {
        foreach (WindowsServiceStatus state in states)
        {
            _next.Enqueue(state);
        }
    }

    public int Create(WindowsServiceEntry entry) => Do("create", () => Entry = entry, needsOne: false);

    public int Change(WindowsServiceEntry entry) => Do("change", () => Entry = entry);

    public int Delete(string name) => Do("delete", () => Entry = null);

    public int Start(string name) => Do("start", () => { });

    public int Stop(string name) => Do("stop", () => { });

    public int Query(string name, out WindowsServiceStatus status)
    {
        int error = Answer("query");
        if (error == 0 && _next.TryDequeue(out WindowsServiceStatus next))
        {
            _status = next;
        }

        status = _status;
        return error;
    }

    public int ReadCommandLine(string name, out string commandLine)
    {
        commandLine = Entry?.CommandLine ?? "";
        return Answer("read");
    }

    private int Do(string call, Action act, bool needsOne = true)
    {
        Calls.Add(call);
        int error = Answer(call, needsOne);
        if (error == 0)
        {
            act();
        }

        return error;
    }

    private int Answer(string call, bool needsOne = true) => Failures.TryGetValue(call, out int error) ? error : needsOne && Entry is null ? WindowsServiceErrors.NoSuchService : 0;
}
