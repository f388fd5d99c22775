using System.Buffers.Binary;

namespace TunnelMesh.Node.Birthday;

/// <summary>The ports that a NAT gives out (RFC 4787, section 4.2.2, has 1024 and above), in an order left to chance, each once.</summary>
/// <param name="random">Fills a span with randomness.</param>
internal sealed class HuntPorts(Action<Span<byte>> random)
{
    /// <summary>The lowest port.</summary>
    public const int First = 1024;

    /// <summary>How many there are.</summary>
    public const int Count = 65536 - First;

    private readonly ushort[] _ports = [.. Enumerable.Range(First, Count).Select(p => (ushort)p)];
    private int _taken;

    /// <summary>The next port; false after the last.</summary>
    public bool TryTake(out ushort port)
    {
        port = 0;
        if (_taken == Count)
        {
            return false;
        }

        // Fisher and Yates, one step at a time; 2^32 is so much more than the ports that the remainder favours none.
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        random(bytes);
        int chosen = _taken + (int)(BinaryPrimitives.ReadUInt32LittleEndian(bytes) % (uint)(Count - _taken));
        (_ports[_taken], _ports[chosen]) = (_ports[chosen], _ports[_taken]);
        port = _ports[_taken++];
        return true;
    }
}
