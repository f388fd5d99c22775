using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Interop;

/// <summary>What utun, addresses and routes need of macOS beyond <see cref="UnixNative"/>. Values are those of arm64 and x86-64 alike.</summary>
internal static unsafe partial class MacOSNative
{
    public const int EAgain = 35, EAddrInUse = 48, EAfNoSupport = 47, EProtoNoSupport = 43;
    public const int AfInet6 = 30, AfRoute = 17, AfLink = 18, AfSystem = 32, AfSysControl = 2;
    public const int SysProtoControl = 2, UtunOptIfName = 2, UtunOptMaxPendingPackets = 16;
    public const int MsgDontWait = 0x80;
    public const int SolSocket = 0xffff, SoReuseAddress = 4;

    // sys/filio.h, sys/sockio.h, netinet6/in6_var.h, sys/kern_control.h; the size of the argument is part of each number.
    public const uint FioClEx = 0x20006601, FioNbIo = 0x8004667e;
    public const uint SioCSIfMtu = 0x80206934, SioCSIfFlags = 0x80206910, SioCGIfFlags = 0xc0206911;
    public const uint SioCAIfAddr = 0x8040691a, SioCAIfAddrIn6 = 0x8080691a, CtlIocGInfo = 0xc0644e03;

    [LibraryImport("libc", EntryPoint = "sysctl", SetLastError = true)]
    public static partial int SysCtl(int* name, uint nameLength, void* old, nuint* oldLength, void* value, nuint valueLength);

    /// <summary>setegid(2): sockets that are made from now on have this group.</summary>
    [LibraryImport("libc", EntryPoint = "setegid", SetLastError = true)]
    public static partial int SetEffectiveGroup(uint group);

    /// <summary>A setting of the kernel that is a number (sysctl(3)); null where there is none.</summary>
    public static int? ReadSetting(string name)
    {
        int value;
        nuint length = sizeof(int);
        return SysCtlByName(name, &value, &length, null, 0) == 0 && length == sizeof(int) ? value : null;
    }

    /// <summary>Changes one; 0, or the errno.</summary>
    public static int WriteSetting(string name, int value) => SysCtlByName(name, null, null, &value, sizeof(int)) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>ioctl(2) with a pointer; returns 0 or the errno.</summary>
    /// <remarks>
    /// Its third argument is variadic. On arm64 Apple's convention passes those on the stack and never in a register, and the runtime
    /// knows no variadic calls: six arguments that nobody reads fill the registers, so that the ninth lies where the third is looked for.
    /// </remarks>
    public static int Ioctl(SafeHandle fd, uint request, void* argument)
    {
        int result = RuntimeInformation.ProcessArchitecture == Architecture.Arm64
            ? IoctlOnStack(fd, request, 0, 0, 0, 0, 0, 0, argument)
            : IoctlInRegister(fd, request, argument);
        return result < 0 ? Marshal.GetLastPInvokeError() : 0;
    }

    /// <summary>Keeps a descriptor from programs that this one starts.</summary>
    public static void CloseOnExec(SafeHandle fd) => _ = Ioctl(fd, FioClEx, null);

    [LibraryImport("libc", EntryPoint = "sysctlbyname", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SysCtlByName(string name, void* old, nuint* oldLength, void* value, nuint valueLength);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int IoctlInRegister(SafeHandle fd, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int IoctlOnStack(SafeHandle fd, nuint request, nint x2, nint x3, nint x4, nint x5, nint x6, nint x7, void* argument);
}
