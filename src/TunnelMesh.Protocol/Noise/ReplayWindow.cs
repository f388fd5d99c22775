namespace TunnelMesh.Protocol.Noise;

/// <summary>
/// The sliding window of received counters (RFC 6479: a ring of blocks, one more than the window needs, so that moving it
/// clears whole blocks). Call it only after the packet has authenticated. One thread at a time; does not allocate.
/// </summary>
public sealed class ReplayWindow
{
    /// <summary>How far behind the greatest counter a packet may arrive: at least 8192.</summary>
    public const int Size = (Blocks - 1) * BlockBits;

    private const int BlockBits = 64;
    private const int Blocks = 256;

    private readonly ulong[] _ring = new ulong[Blocks];
    private ulong _greatest;

    /// <summary>True once per counter: false for one seen before, or too far behind to know.</summary>
    public bool TryAccept(ulong counter)
    {
        ulong block = counter / BlockBits;
        ulong current = _greatest / BlockBits;
        if (counter > _greatest)
        {
            ulong steps = Math.Min(block - current, Blocks);
            for (ulong i = 1; i <= steps; i++)
            {
                _ring[(current + i) % Blocks] = 0;
            }
            _greatest = counter;
        }
        else if (_greatest - counter >= Size)
        {
            return false;
        }
        ref ulong bits = ref _ring[block % Blocks];
        ulong bit = 1UL << (int)(counter % BlockBits);
        bool fresh = (bits & bit) == 0;
        bits |= bit;
        return fresh;
    }
}
