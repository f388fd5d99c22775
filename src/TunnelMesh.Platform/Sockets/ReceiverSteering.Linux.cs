using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Platform.Sockets;

/// <summary>
/// The program that spreads incoming datagrams over the sockets of one port (socket(7), SO_ATTACH_REUSEPORT_CBPF), so that all datagrams of a
/// session arrive at one socket whatever address they come from. It only saves the way from lane to lane: whoever receives a datagram of another lane hands it over.
/// </summary>
internal static unsafe class ReceiverSteering
{
    // Classic BPF (linux/filter.h); the packet begins with the UDP payload, and loads behind its end return 0 for the whole program.
    private const ushort LoadByte = 0x30, JumpIfEqual = 0x15, Modulo = 0x94, ReturnAccumulator = 0x16, Return = 0x06;

    /// <summary>The program for a number of sockets.</summary>
    internal static Instruction[] Program(int sockets) =>
    [
        new(LoadByte, 0, 0, 0),
        new(JumpIfEqual, 3, 0, WireGuardMessage.Transport),
        new(JumpIfEqual, 2, 0, WireGuardMessage.CookieReply),
        new(JumpIfEqual, 3, 0, WireGuardMessage.Response),
        new(Return, 0, 0, 0),
        new(LoadByte, 0, 0, WireGuardMessage.ReceiverOffset),
        new(JumpIfEqual, 1, 1, 0),
        new(LoadByte, 0, 0, WireGuardMessage.ResponseReceiverOffset),
        new(Modulo, 0, 0, (uint)sockets),
        new(ReturnAccumulator, 0, 0, 0),
    ];

    /// <summary>Attaches the program to the group that a socket is in.</summary>
    /// <returns>False where the system cannot.</returns>
    public static bool TryAttach(SafeFileDescriptor socket, int sockets)
    {
        Instruction[] program = Program(sockets);
        fixed (Instruction* first = program)
        {
            var filter = new Filter { Length = (ushort)program.Length, First = first };
            return UnixNative.SetSockOpt(socket, LinuxNative.SolSocket, LinuxNative.SoAttachReusePortCbpf, &filter, (uint)sizeof(Filter)) == 0;
        }
    }

    /// <summary>struct sock_filter.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Operand);

    /// <summary>struct sock_fprog.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Filter
    {
        public ushort Length;
        public Instruction* First;
    }
}
