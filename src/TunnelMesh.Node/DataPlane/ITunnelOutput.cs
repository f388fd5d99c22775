using TunnelMesh.Node.Nat;
using TunnelMesh.Node.Paths;
using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Node.DataPlane;

/// <summary>Where an engine's output goes: the network and the TUN device. Called on the engine's thread; buffers are free again on return.</summary>
public interface ITunnelOutput
{
    /// <summary>Sends a sealed datagram.</summary>
    /// <param name="datagram">A whole WireGuard message.</param>
    /// <param name="destination">Where to.</param>
    /// <returns>False when there is no way to the destination; the datagram is lost and counted.</returns>
    bool SendDatagram(ReadOnlySpan<byte> datagram, in PathAddress destination);

    /// <summary>Sends sealed datagrams to one destination, in order.</summary>
    /// <param name="datagrams">The datagrams, one behind the other.</param>
    /// <param name="segmentSize">Bytes of each; the last may be shorter.</param>
    /// <param name="destination">Where to.</param>
    /// <returns>How many could not be sent; they are lost and counted.</returns>
    int SendDatagrams(ReadOnlySpan<byte> datagrams, int segmentSize, in PathAddress destination)
    {
        int refused = 0;
        for (; !datagrams.IsEmpty; datagrams = datagrams[Math.Min(segmentSize, datagrams.Length)..])
        {
            refused += SendDatagram(datagrams[..Math.Min(segmentSize, datagrams.Length)], destination) ? 0 : 1;
        }

        return refused;
    }

    /// <summary>True when a path over a carrier has a way to the device now; UDP always has.</summary>
    /// <param name="path">Which path.</param>
    bool IsOpen(in PathAddress path) => path.Transport == PathTransport.Udp;

    /// <summary>Asks for a stream to a device, in the background; cheap when there is one or it is being made already.</summary>
    /// <param name="path">Of a transport over streams.</param>
    void Prepare(in PathAddress path)
    {
    }

    /// <summary>Asks the coordinator to tell a device where this one is, so that both probe each other at the same time. Any number of times: whoever takes it limits the rate.</summary>
    /// <param name="deviceId">Which device.</param>
    void Meet(string deviceId)
    {
    }

    /// <summary>How the NAT in front of this device is, as far as is known.</summary>
    NatKind Nat => NatKind.Unknown;

    /// <summary>Opens a UDP socket beside the tunnel's port: datagrams to a path that names it leave there, and what it receives comes back as of such a path.</summary>
    /// <param name="deviceId">For which device; the socket is closed with it.</param>
    /// <returns>Its number; 0 when there is none to be had.</returns>
    ushort OpenSocket(string deviceId) => 0;

    /// <summary>Closes a socket that was opened so.</summary>
    /// <param name="socket">Its number.</param>
    void CloseSocket(ushort socket)
    {
    }

    /// <summary>Takes a datagram that is no WireGuard message: an answer of a STUN server (RFC 8489), which shares the socket.</summary>
    /// <param name="datagram">The whole datagram, any bytes; free again on return.</param>
    /// <param name="source">Where from.</param>
    /// <returns>False when it is none; it is dropped and counted.</returns>
    bool TakeStun(ReadOnlySpan<byte> datagram, in PathAddress source) => false;

    /// <summary>Hands an opened packet to this machine.</summary>
    /// <param name="packet">A whole IPv4 or IPv6 packet.</param>
    /// <returns>False when the system refused it; it is lost and counted.</returns>
    bool WritePacket(ReadOnlySpan<byte> packet);

    /// <summary>Hands packets of one flow to this machine as a super-packet. Called only when <see cref="TunnelEngineOptions.Offloads"/> allows it.</summary>
    /// <param name="header">How to cut it again.</param>
    /// <param name="packetHeader">IP and transport header of the whole.</param>
    /// <param name="buffer">What the slices are of.</param>
    /// <param name="payload">The payloads, one a packet.</param>
    /// <returns>False when the system refused it; the packets are lost and counted.</returns>
    bool WriteGroup(in VirtioNetHeader header, ReadOnlySpan<byte> packetHeader, ReadOnlySpan<byte> buffer, ReadOnlySpan<PacketSlice> payload) =>
        throw new NotSupportedException("This output takes single packets only.");
}
