using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Interop;

/// <summary>What TUN, UDP and netlink need of Linux beyond <see cref="UnixNative"/>. Values are those of x86-64 and arm64.</summary>
internal static unsafe partial class LinuxNative
{
    public const int EAgain = 11, EIo = 5, ELoop = 40, EProto = 71, EBadFd = 77, EMsgSize = 90, ENoProtoOpt = 92, ENetUnreach = 101, EConnRefused = 111, EHostUnreach = 113;
    public const int EOpNotSupp = 95, EAfNoSupport = 97, EAddrInUse = 98, EAddrNotAvail = 99;
    public const int ORdWr = 2, ONonBlock = 0x800, OCloExec = 0x80000;
    public const int LockShared = 1, LockNoWait = 4;
    public const int AfInet6 = 10, AfNetlink = 16;
    public const int SockCloExec = 0x80000;
    public const int SolSocket = 1, SoReuseAddress = 2, SoSndBuf = 7, SoRcvBuf = 8, SoSndBufForce = 32, SoRcvBufForce = 33, SoReusePort = 15, SoMark = 36, SoAttachReusePortCbpf = 51;
    public const int IpProtoIpv6 = 41, Ipv6V6Only = 26;
    public const int SolUdp = 17, UdpSegment = 103, UdpGro = 104;
    public const int MsgDontWait = 0x40;

    /// <summary>Where the name begins in what <see cref="ReadDirectory"/> returns (struct dirent of 64-bit systems).</summary>
    public const int DirectoryEntryName = 19;

    /// <summary>Bytes of a thread's name in /proc that are read: no thread has more, and a NUL ends it.</summary>
    public const int MaxThreadDigits = 11;

    /// <summary>O_NOFOLLOW, in which architectures differ.</summary>
    public static int ONoFollow => RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? 0x8000 : 0x20000;

    [StructLayout(LayoutKind.Sequential)]
    public struct MsgHdr
    {
        public byte* Name;
        public uint NameLength;
        public UnixNative.IoVec* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct MMsgHdr
    {
        public MsgHdr Header;
        public uint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct IfAddrs
    {
        public IfAddrs* Next;
        public byte* Name;
        public uint Flags;
        public byte* Address;
        public byte* Mask;
        public byte* Other;
        public void* Data;
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    public static partial int TuneHeap(int parameter, int value);

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    public static partial int TrimHeap(nuint keep);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial SafeFileDescriptor Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ExtendedStatus(int directory, string path, int flags, uint mask, byte* answer);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ExtendedStatus(SafeHandle file, string path, int flags, uint mask, byte* answer);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int FLock(SafeFileDescriptor fd, int operation);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Ioctl(SafeFileDescriptor fd, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    public static partial SafeFileDescriptor EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    public static partial nint SendMsg(SafeFileDescriptor fd, MsgHdr* message, int flags);

    [LibraryImport("libc", EntryPoint = "sendmmsg", SetLastError = true)]
    public static partial int SendMMsg(SafeFileDescriptor fd, MMsgHdr* messages, uint count, int flags);

    [LibraryImport("libc", EntryPoint = "recvmsg", SetLastError = true)]
    public static partial nint RecvMsg(SafeFileDescriptor fd, MsgHdr* message, int flags);

    [LibraryImport("libc", EntryPoint = "recvmmsg", SetLastError = true)]
    public static partial int RecvMMsg(SafeFileDescriptor fd, MMsgHdr* messages, uint count, int flags, void* timeout);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint PRead(SafeFileDescriptor fd, void* buffer, nuint count, nint offset);

    [LibraryImport("libc", EntryPoint = "opendir", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint OpenDirectory(string path);

    [LibraryImport("libc", EntryPoint = "readdir")]
    public static partial nint ReadDirectory(nint directory);

    [LibraryImport("libc", EntryPoint = "closedir")]
    public static partial int CloseDirectory(nint directory);

    [LibraryImport("libc", EntryPoint = "gettid")]
    public static partial int ThreadId();

    [LibraryImport("libc", EntryPoint = "sched_getcpu")]
    public static partial int CurrentProcessor();

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    public static partial int GetAffinity(int thread, nuint bytes, byte* set);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    public static partial int SetAffinity(int thread, nuint bytes, byte* set);

    [LibraryImport("libc", EntryPoint = "getifaddrs", SetLastError = true)]
    public static partial int GetIfAddrs(IfAddrs** list);

    [LibraryImport("libc", EntryPoint = "freeifaddrs")]
    public static partial void FreeIfAddrs(IfAddrs* list);
}
