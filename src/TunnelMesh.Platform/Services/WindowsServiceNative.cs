using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Services;

/// <summary>The calls of winsvc.h.</summary>
internal static unsafe partial class WindowsServiceNative
{
    public const uint ManagerConnect = 1, ManagerCreate = 2, QueryConfig = 1, ChangeConfig = 2, QueryStatus = 4, StartAccess = 0x10, StopAccess = 0x20, DeleteAccess = 0x10000;
    public const uint OwnProcess = 0x10, AutoStart = 2, ErrorNormal = 1;
    public const uint Description = 1, FailureActions = 2, DelayedAutoStart = 3;
    public const uint AcceptStop = 1, AcceptShutdown = 4;
    public const int ActionRestart = 1, ServiceSpecificError = 1066, InsufficientBuffer = 122;

    [StructLayout(LayoutKind.Sequential)]
    public struct Status
    {
        public uint Type, State, Accepted, ExitCode, SpecificExitCode, CheckPoint, WaitHint;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct ProcessStatus
    {
        public Status Common;
        public uint Process, Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Config
    {
        public uint Type, Start, ErrorControl;
        public char* CommandLine;
        public char* LoadOrderGroup;
        public uint Tag;
        public char* Dependencies;
        public char* Account;
        public char* DisplayName;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Action
    {
        public int Type;
        public uint Delay;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Actions
    {
        public uint ResetSeconds;
        public char* RebootMessage;
        public char* Command;
        public uint Count;
        public Action* First;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct TableEntry
    {
        public char* Name;
        public delegate* unmanaged<uint, char**, void> Main;
    }

    [LibraryImport("advapi32", EntryPoint = "OpenSCManagerW", SetLastError = true)]
    public static partial nint OpenManager(char* machine, char* database, uint access);

    [LibraryImport("advapi32", EntryPoint = "OpenServiceW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    public static partial nint OpenService(nint manager, string name, uint access);

    [LibraryImport("advapi32", EntryPoint = "CreateServiceW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    public static partial nint CreateService(
        nint manager, string name, string displayName, uint access, uint type, uint start, uint errorControl, string commandLine, char* group, uint* tag, char* dependencies, char* account, char* password);

    [LibraryImport("advapi32", EntryPoint = "ChangeServiceConfigW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    public static partial int Change(
        nint service, uint type, uint start, uint errorControl, string commandLine, char* group, uint* tag, char* dependencies, string account, char* password, string displayName);

    [LibraryImport("advapi32", EntryPoint = "ChangeServiceConfig2W", SetLastError = true)]
    public static partial int Change2(nint service, uint what, void* value);

    [LibraryImport("advapi32", EntryPoint = "QueryServiceConfigW", SetLastError = true)]
    public static partial int Query(nint service, void* config, uint size, uint* needed);

    [LibraryImport("advapi32", EntryPoint = "QueryServiceStatusEx", SetLastError = true)]
    public static partial int QueryState(nint service, int level, ProcessStatus* status, uint size, uint* needed);

    [LibraryImport("advapi32", EntryPoint = "DeleteService", SetLastError = true)]
    public static partial int Delete(nint service);

    [LibraryImport("advapi32", EntryPoint = "StartServiceW", SetLastError = true)]
    public static partial int Start(nint service, uint count, char** arguments);

    [LibraryImport("advapi32", EntryPoint = "ControlService", SetLastError = true)]
    public static partial int Control(nint service, uint control, Status* status);

    [LibraryImport("advapi32", EntryPoint = "CloseServiceHandle")]
    public static partial int Close(nint handle);

    [LibraryImport("advapi32", EntryPoint = "StartServiceCtrlDispatcherW", SetLastError = true)]
    public static partial int Dispatch(TableEntry* table);

    [LibraryImport("advapi32", EntryPoint = "RegisterServiceCtrlHandlerExW", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
    public static partial nint RegisterHandler(string name, delegate* unmanaged<uint, uint, void*, void*, uint> handler, void* context);

    [LibraryImport("advapi32", EntryPoint = "SetServiceStatus", SetLastError = true)]
    public static partial int SetStatus(nint handle, Status* status);
}
