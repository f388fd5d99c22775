using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Sockets;

/// <summary>The few calls of Winsock on the way of a packet. Each returns a count of bytes, or an error of Winsock negated.</summary>
internal unsafe interface IWinsock
{
    /// <summary>recvfrom, which the socket's mode keeps from waiting.</summary>
    int ReceiveFrom(SafeHandle socket, byte* buffer, int length, byte* name);

    /// <summary>sendto.</summary>
    int SendTo(SafeHandle socket, byte* datagram, int length, byte* name, int nameLength);

    /// <summary>WSASendMsg with UDP_SEND_MSG_SIZE: datagrams of <paramref name="segmentSize"/> bytes with one call.</summary>
    int SendTrain(SafeHandle socket, byte* datagrams, int length, int segmentSize, byte* name, int nameLength);
}
