using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Sockets;

/// <summary>ws2_32.dll.</summary>
internal sealed unsafe partial class Winsock : IWinsock
{
    public const int WouldBlock = 10035, MessageSize = 10040, NoProtocolOption = 10042, OperationNotSupported = 10045, Invalid = 10022;

    /// <summary>IPPROTO_UDP, and the bytes of a train's segments as an option of it (ws2tcpip.h; Windows 10 2004).</summary>
    public const int Udp = 17, UdpSendMessageSize = 2;

    private const int FdRead = 1;

    public int ReceiveFrom(SafeHandle socket, byte* buffer, int length, byte* name)
    {
        int nameLength = SocketNameFormat.Bytes;
        return Result(Calls.ReceiveFrom(socket, buffer, length, 0, name, &nameLength));
    }

    public int SendTo(SafeHandle socket, byte* datagram, int length, byte* name, int nameLength) =>
        Result(Calls.SendTo(socket, datagram, length, 0, name, nameLength));

    public int SendTrain(SafeHandle socket, byte* datagrams, int length, int segmentSize, byte* name, int nameLength)
    {
        // WSA_CMSG_LEN of a DWORD.
        var control = new IntControl { Length = 20, Level = Udp, Type = UdpSendMessageSize, Value = segmentSize };
        var buffer = new WsaBuffer { Length = (uint)length, Data = datagrams };
        var message = new WsaMessage
        {
            Name = name,
            NameLength = nameLength,
            Buffers = &buffer,
            BufferCount = 1,
            Control = new WsaBuffer { Length = (uint)sizeof(IntControl), Data = (byte*)&control },
        };
        uint sent;
        return Calls.SendMessage(socket, &message, 0, &sent, null, null) == 0 ? (int)sent : -Marshal.GetLastPInvokeError();
    }

    /// <summary>Has an event set when datagrams arrive; the socket no longer waits from then on. 0, or the error.</summary>
    public static int SetEvent(SafeHandle socket, SafeHandle arrived) =>
        Calls.EventSelect(socket, arrived, FdRead) == 0 ? 0 : Marshal.GetLastPInvokeError();

    private static int Result(int result) => result >= 0 ? result : -Marshal.GetLastPInvokeError();

    /// <summary>WSABUF.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct WsaBuffer
    {
        public uint Length;
        public byte* Data;
    }

    /// <summary>WSAMSG.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct WsaMessage
    {
        public byte* Name;
        public int NameLength;
        public WsaBuffer* Buffers;
        public uint BufferCount;
        public WsaBuffer Control;
        public uint Flags;
    }

    private static partial class Calls
    {
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("ws2_32.dll", EntryPoint = "recvfrom", SetLastError = true)]
        public static partial int ReceiveFrom(SafeHandle socket, byte* buffer, int length, int flags, byte* name, int* nameLength);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("ws2_32.dll", EntryPoint = "sendto", SetLastError = true)]
        public static partial int SendTo(SafeHandle socket, byte* buffer, int length, int flags, byte* name, int nameLength);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("ws2_32.dll", EntryPoint = "WSASendMsg", SetLastError = true)]
        public static partial int SendMessage(SafeHandle socket, WsaMessage* message, uint flags, uint* sent, void* overlapped, void* completion);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("ws2_32.dll", EntryPoint = "WSAEventSelect", SetLastError = true)]
        public static partial int EventSelect(SafeHandle socket, SafeHandle arrived, int events);
    }
}
