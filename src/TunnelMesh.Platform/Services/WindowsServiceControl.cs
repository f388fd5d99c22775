using System.Runtime.InteropServices;
using Native = TunnelMesh.Platform.Services.WindowsServiceNative;

namespace TunnelMesh.Platform.Services;

/// <summary>The service control manager of this machine. Every handle is closed before a call returns.</summary>
internal sealed unsafe class WindowsServiceControl : IWindowsServiceControl
{
    // It may not be larger (QueryServiceConfigW).
    private const int LargestConfig = 8192;

    public int Create(WindowsServiceEntry entry) => WithManager(Native.ManagerConnect | Native.ManagerCreate, manager =>
    {
        // Restarting as an answer to failures takes the right to start.
        nint service = Native.CreateService(manager, entry.Name, entry.DisplayName, Native.ChangeConfig | Native.StartAccess | Native.DeleteAccess, Native.OwnProcess, Native.AutoStart, Native.ErrorNormal,
            entry.CommandLine, null, null, null, null, null);
        if (service == 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        int error = Describe(service, entry);
        if (error != 0)
        {
            // Whole or not at all.
            _ = Native.Delete(service);
        }

        _ = Native.Close(service);
        return error;
    });

    public int Change(WindowsServiceEntry entry) => WithService(entry.Name, Native.ChangeConfig | Native.StartAccess, service =>
        Native.Change(service, Native.OwnProcess, Native.AutoStart, Native.ErrorNormal, entry.CommandLine, null, null, null, "LocalSystem", null, entry.DisplayName) == 0
            ? Marshal.GetLastPInvokeError()
            : Describe(service, entry));

    public int Delete(string name) => WithService(name, Native.DeleteAccess, service => Result(Native.Delete(service)));

    public int Start(string name) => WithService(name, Native.StartAccess, service => Result(Native.Start(service, 0, null)));

    public int Stop(string name) => WithService(name, Native.StopAccess, service =>
    {
        Native.Status status;
        return Result(Native.Control(service, WindowsServiceSession.ControlStop, &status));
    });

    public int Query(string name, out WindowsServiceStatus status)
    {
        WindowsServiceStatus found = default;
        int error = WithService(name, Native.QueryStatus, service =>
        {
            Native.ProcessStatus read;
            uint needed;
            if (Native.QueryState(service, 0, &read, (uint)sizeof(Native.ProcessStatus), &needed) == 0)
            {
                return Marshal.GetLastPInvokeError();
            }

            uint code = read.Common.ExitCode == Native.ServiceSpecificError ? read.Common.SpecificExitCode : read.Common.ExitCode;
            // 1077: none has been started since the system started.
            found = new((WindowsServiceState)read.Common.State, (read.Common.Accepted & Native.AcceptStop) != 0, code == 1077 ? 0 : (int)code,
                (int)read.Common.CheckPoint, (int)read.Common.WaitHint, (int)read.Process);
            return 0;
        });
        status = found;
        return error;
    }

    public int ReadCommandLine(string name, out string commandLine)
    {
        string found = "";
        int error = WithService(name, Native.QueryConfig, service =>
        {
            void* buffer = NativeMemory.Alloc(LargestConfig);
            try
            {
                uint needed;
                if (Native.Query(service, buffer, LargestConfig, &needed) == 0)
                {
                    return Marshal.GetLastPInvokeError();
                }

                found = new string(((Native.Config*)buffer)->CommandLine);
                return 0;
            }
            finally
            {
                NativeMemory.Free(buffer);
            }
        });
        commandLine = found;
        return error;
    }

    private static int Describe(nint service, WindowsServiceEntry entry)
    {
        fixed (char* text = entry.Description)
        {
            char* description = text;
            if (Native.Change2(service, Native.Description, &description) == 0)
            {
                return Marshal.GetLastPInvokeError();
            }
        }

        int count = WindowsServiceEntry.RestartDelays.Count;
        Native.Action* actions = stackalloc Native.Action[count];
        for (int i = 0; i < count; i++)
        {
            actions[i] = new() { Type = Native.ActionRestart, Delay = (uint)WindowsServiceEntry.RestartDelays[i] };
        }

        Native.Actions failures = new() { ResetSeconds = WindowsServiceEntry.ResetSeconds, Count = (uint)count, First = actions };
        int delayed = 1;
        return Native.Change2(service, Native.FailureActions, &failures) == 0 || Native.Change2(service, Native.DelayedAutoStart, &delayed) == 0
            ? Marshal.GetLastPInvokeError()
            : 0;
    }

    private static int Result(int succeeded) => succeeded != 0 ? 0 : Marshal.GetLastPInvokeError();

    private static int WithManager(uint access, Func<nint, int> act)
    {
        nint manager = Native.OpenManager(null, null, access);
        if (manager == 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        int error = act(manager);
        _ = Native.Close(manager);
        return error;
    }

    private static int WithService(string name, uint access, Func<nint, int> act) => WithManager(Native.ManagerConnect, manager =>
    {
        nint service = Native.OpenService(manager, name, access);
        if (service == 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        int error = act(service);
        _ = Native.Close(service);
        return error;
    });
}
