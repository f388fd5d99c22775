using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Native = TunnelMesh.Platform.Services.WindowsServiceNative;

namespace TunnelMesh.Platform.Services;

/// <summary>Runs this process as a service: hears the service control manager and answers it. Once a process. Written from its documentation, and not yet run.</summary>
[SupportedOSPlatform("windows")]
public static unsafe class WindowsServiceDispatcher
{
    // What the manager calls has no place for anything of ours but this.
    private static string s_name = "";
    private static Func<WindowsServiceSession, int>? s_run;
    private static WindowsServiceSession? s_session;
    private static int s_exitCode;

    /// <summary>Connects to the manager and runs the service on a thread of the manager's; returns when it has ended.</summary>
    /// <param name="name">Name of the service.</param>
    /// <param name="run">The service. Returns its exit code when the session says that it ends; throws nothing.</param>
    /// <param name="isFinal">Whether a failure with this exit code would be the same every time. After any other the process ends without a word, which is what the manager starts it again for.</param>
    /// <returns>Exit code of the service.</returns>
    /// <exception cref="ServiceException">The manager did not start this process.</exception>
    public static int Run(string name, Func<WindowsServiceSession, int> run, Func<int, bool> isFinal)
    {
        s_name = name;
        s_run = session =>
        {
            int code = run(session);
            if (code != 0 && !session.WasTold && !isFinal(code))
            {
                Environment.Exit(code);
            }

            return code;
        };
        fixed (char* text = name)
        {
            Native.TableEntry* table = stackalloc Native.TableEntry[2];
            table[0] = new() { Name = text, Main = &ServiceMain };
            table[1] = default;
            if (Native.Dispatch(table) == 0)
            {
                int error = Marshal.GetLastPInvokeError();
                throw error == WindowsServiceErrors.NotStartedAsService
                    ? new ServiceException("This is what Windows runs as a service. To run a peer by hand: tunnelmesh join. To start the service: tunnelmesh service start.")
                    : WindowsServiceErrors.Of(error, "run", name);
            }
        }

        return s_exitCode;
    }

    [UnmanagedCallersOnly]
    private static void ServiceMain(uint count, char** arguments)
    {
        // The handler may be called as soon as it is registered, and the session needs its handle.
        nint handle = Native.RegisterHandler(s_name, &Control, null);
        if (handle == 0)
        {
            Environment.Exit(1);
        }

        using WindowsServiceSession session = new(status => Tell(handle, status), TimeProvider.System);
        Volatile.Write(ref s_session, session);
        s_exitCode = s_run!(session);
        session.Stopped(s_exitCode);
    }

    [UnmanagedCallersOnly]
    private static uint Control(uint control, uint eventKind, void* eventData, void* context) =>
        (uint)(Volatile.Read(ref s_session)?.Control((int)control) ?? WindowsServiceSession.NotImplemented);

    private static void Tell(nint handle, WindowsServiceStatus status)
    {
        Native.Status native = new()
        {
            Type = Native.OwnProcess,
            State = (uint)status.State,
            Accepted = status.AcceptsStop ? Native.AcceptStop | Native.AcceptShutdown : 0,
            ExitCode = status.ExitCode == 0 ? 0 : (uint)Native.ServiceSpecificError,
            SpecificExitCode = (uint)status.ExitCode,
            CheckPoint = (uint)status.CheckPoint,
            WaitHint = (uint)status.WaitHint,
        };
        _ = Native.SetStatus(handle, &native);
    }
}
