using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Platform.Tun;

/// <summary>A layer-3 network interface whose packets this process reads and writes (IPv4 and IPv6, without link header).</summary>
/// <remarks>One thread reads while others write; every buffer belongs to the caller and is free again when the call returns.</remarks>
public interface ITunDevice : IDisposable
{
    /// <summary>The name of the interface, as the system shows it.</summary>
    string Name { get; }

    /// <summary>The largest packet in bytes.</summary>
    int Mtu { get; }

    /// <summary>The addresses that are really set: without the IPv6 ones where the system has IPv6 switched off or the MTU is below 1280.</summary>
    IReadOnlyList<TunAddress> Addresses { get; }

    /// <summary>Takes the next packet that the system sends, without waiting.</summary>
    /// <param name="buffer">At least <see cref="Mtu"/> bytes.</param>
    /// <returns>The packet's length in bytes; 0 when none is waiting.</returns>
    /// <exception cref="TunException">The interface was removed from outside (<see cref="TunError.Gone"/>).</exception>
    int Read(Span<byte> buffer);

    /// <summary>Hands a packet to the system as received.</summary>
    /// <param name="packet">A whole IPv4 or IPv6 packet.</param>
    /// <returns>False when the system refused it (malformed, interface down, queue full); it is lost, and the caller counts it.</returns>
    bool Write(ReadOnlySpan<byte> packet);

    /// <summary>
    /// Looks whether the interface is as it was made, up, with its MTU, addresses and routes, and puts back what somebody has changed. What others have added stays. On Linux; elsewhere nothing is looked at. Some system calls;
    /// any thread, one at a time, and not beside the end of the device.
    /// </summary>
    /// <returns>What it found.</returns>
    TunLook Restore() => TunLook.Whole;

    /// <summary>Has the system tell when somebody changes the interface.</summary>
    /// <param name="notice">Called then, whoever it was, to be followed by <see cref="Restore"/>; also when notices were lost. Returns soon; on a thread of its own.</param>
    /// <returns>Ends it; null where the system tells nothing of the kind, so that it has to be looked at.</returns>
    IDisposable? Watch(Action notice) => null;

    /// <summary>The offloads in use; fixed when the device was opened.</summary>
    TunOffloads Offloads => TunOffloads.None;

    /// <summary>Takes the next frame as the system left it, without waiting: a packet, or a super-packet to be cut.</summary>
    /// <param name="buffer">65,535 bytes; without offloads <see cref="Mtu"/> bytes.</param>
    /// <param name="header">What is left to do (see <see cref="SegmentSplitter"/>); zeros for a finished packet.</param>
    /// <returns>The frame's length in bytes, without the header; 0 when none is waiting.</returns>
    /// <exception cref="TunException">As <see cref="Read"/>.</exception>
    int ReadFrame(Span<byte> buffer, out VirtioNetHeader header)
    {
        header = default;
        return Read(buffer);
    }

    /// <summary>As <see cref="ReadFrame"/>, but without copying where the system lets the frame be used in its own place.</summary>
    /// <param name="buffer">As for <see cref="ReadFrame"/>; used where the frame must be copied.</param>
    /// <param name="header">As for <see cref="ReadFrame"/>.</param>
    /// <returns>The frame, valid until the next call that reads; empty when none is waiting.</returns>
    /// <exception cref="TunException">As <see cref="Read"/>.</exception>
    ReadOnlySpan<byte> TakeFrame(Span<byte> buffer, out VirtioNetHeader header) => buffer[..ReadFrame(buffer, out header)];

    /// <summary>Hands a super-packet to the system, as a <see cref="PacketCoalescer"/> writes it; with <see cref="Offloads"/> for it only.</summary>
    /// <param name="header">How to cut it.</param>
    /// <param name="packetHeader">IP and transport header of the whole.</param>
    /// <param name="buffer">The buffer that the slices are of.</param>
    /// <param name="payload">The payload in order, at most 1,000 slices.</param>
    /// <returns>As <see cref="Write"/>: all of it or nothing.</returns>
    /// <exception cref="NotSupportedException">The device has no offloads.</exception>
    bool WriteGroup(in VirtioNetHeader header, ReadOnlySpan<byte> packetHeader, ReadOnlySpan<byte> buffer, ReadOnlySpan<PacketSlice> payload) =>
        throw new NotSupportedException("This device has no offloads: packets are written one by one.");
}
