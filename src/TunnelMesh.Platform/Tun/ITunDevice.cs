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
}
