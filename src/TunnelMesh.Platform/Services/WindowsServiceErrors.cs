using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Services;

/// <summary>What an answer of the service control manager means, and what to do (winerror.h). Pure, but for the system's own words about codes that are not listed.</summary>
internal static class WindowsServiceErrors
{
    public const int Success = 0, FileNotFound = 2, AccessDenied = 5, RequestTimeout = 1053, AlreadyRunning = 1056, Disabled = 1058,
        NoSuchService = 1060, CannotAcceptControl = 1061, NotActive = 1062, NotStartedAsService = 1063, ProcessAborted = 1067, LogonFailed = 1069,
        MarkedForDelete = 1072, Exists = 1073, DuplicateName = 1078;

    /// <summary>Makes the exception of a call that failed.</summary>
    /// <param name="error">Its code.</param>
    /// <param name="what">What was tried, such as "started".</param>
    /// <param name="name">Name of the service.</param>
    public static ServiceException Of(int error, string what, string name) =>
        new($"The service {name} could not be {what}: {Describe(error)}") { Problem = Kind(error) };

    private static ServiceProblem Kind(int error) => error switch
    {
        AccessDenied => ServiceProblem.Denied,
        Exists or DuplicateName or MarkedForDelete => ServiceProblem.InUse,
        NoSuchService or NotActive => ServiceProblem.NotRunning,
        _ => ServiceProblem.Other,
    };

    private static string Describe(int error) => error switch
    {
        AccessDenied => "Windows wants an administrator for it. Open a terminal with \"Run as administrator\", and try again.",
        FileNotFound => "its program is not there any more. Put it back, or run `tunnelmesh service install --force` from where it lies now.",
        RequestTimeout => "it did not answer in time. The reason is in its log: tunnelmesh service logs",
        AlreadyRunning => "it runs already.",
        Disabled => "it is disabled. `tunnelmesh service install --force` enables it.",
        NoSuchService => "there is none. Make it: tunnelmesh service install",
        CannotAcceptControl => "it is starting or stopping just now. Try again in a moment.",
        NotActive => "it does not run.",
        LogonFailed => "its account may not log on. Let it run as LocalSystem: `tunnelmesh service install --force`.",
        MarkedForDelete => "one of the name is being removed, which ends when every window that shows it (Services, Task Manager) is closed. Close them, and try again.",
        Exists or DuplicateName => "another one has the name. Install under another --context.",
        _ => WindowsNative.Describe(error) + ".",
    };
}
