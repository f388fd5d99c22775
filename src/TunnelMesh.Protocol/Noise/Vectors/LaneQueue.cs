using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TunnelMesh.Protocol.Noise.Vectors;

/// <summary>
/// Blocks that wait for their ChaCha20 keystream, each with its counter, its nonce and the 64 bytes it is xored into. 32 of them are run at once,
/// whatever packets they belong to. Lies in 64-byte aligned memory of its user, who zeroes it afterwards.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LaneQueue
{
    /// <summary>Blocks run at once.</summary>
    public const int Lanes = 32;

    // Entries are written 16 at a time, so up to 15 past the last one.
    private const int Room = Lanes + 16;

    /// <summary>Words 0 to 11 of the state, each 16 times.</summary>
    public fixed uint Key[12 * 16];

    /// <summary>Word 13, 16 times.</summary>
    public fixed uint Nonce0[16];

    /// <summary>Word 12 of each lane.</summary>
    public fixed uint Counter[Room];

    /// <summary>Word 14 of each lane.</summary>
    public fixed uint Nonce1[Room];

    /// <summary>Word 15 of each lane.</summary>
    public fixed uint Nonce2[Room];

    /// <summary>Where each lane's 64 bytes lie.</summary>
    public fixed ulong Target[Room];

    /// <summary>The words of all lanes after the rounds, before they are turned into blocks.</summary>
    public fixed uint Rows[Lanes * 16];

    private fixed byte _nowhere[64];

    // The count, and what keeps the size a multiple of a vector.
    private fixed int _count[16];

    /// <summary>Starts empty, under a 32-byte key; <paramref name="nonce0"/> is the first word of every nonce.</summary>
    public static void Begin(LaneQueue* queue, byte* key, uint nonce0)
    {
        Vector512.Create(0x61707865u).Store(queue->Key);
        Vector512.Create(0x3320646eu).Store(queue->Key + 16);
        Vector512.Create(0x79622d32u).Store(queue->Key + 32);
        Vector512.Create(0x6b206574u).Store(queue->Key + 48);
        for (int i = 0; i < 8; i++)
        {
            Vector512.Create(((uint*)key)[i]).Store(queue->Key + ((4 + i) * 16));
        }
        Vector512.Create(nonce0).Store(queue->Nonce0);
        queue->_count[0] = 0;
    }

    /// <summary>Adds one block; runs the queue when that fills it.</summary>
    public static void Add(LaneQueue* queue, byte* to, uint counter, uint nonce1, uint nonce2)
    {
        int at = queue->_count[0];
        queue->Counter[at] = counter;
        queue->Nonce1[at] = nonce1;
        queue->Nonce2[at] = nonce2;
        queue->Target[at] = (ulong)to;
        queue->_count[0] = at + 1;
        if (at + 1 == Lanes)
        {
            ChaChaLanes.Xor32(queue);
            queue->_count[0] = 0;
        }
    }

    /// <summary>Adds consecutive blocks of one packet; runs the queue whenever it is full.</summary>
    public static void Add(LaneQueue* queue, byte* to, int blocks, uint counter, uint nonce1, uint nonce2)
    {
        Vector512<uint> ascending = Vector512.Create(0u, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        Vector512<ulong> strides = Vector512.Create(0ul, 64, 128, 192, 256, 320, 384, 448);
        Vector512<uint> second = Vector512.Create(nonce1), third = Vector512.Create(nonce2);
        while (blocks > 0)
        {
            int at = queue->_count[0], taken = Math.Min(Math.Min(blocks, Lanes - at), 16);
            Avx512F.Store(queue->Counter + at, Avx512F.Add(Vector512.Create(counter), ascending));
            Avx512F.Store(queue->Nonce1 + at, second);
            Avx512F.Store(queue->Nonce2 + at, third);
            Avx512F.Store(queue->Target + at, Avx512F.Add(Vector512.Create((ulong)to), strides));
            Avx512F.Store(queue->Target + at + 8, Avx512F.Add(Vector512.Create((ulong)to + 512), strides));
            to += taken * 64;
            counter += (uint)taken;
            blocks -= taken;
            queue->_count[0] = at + taken;
            if (at + taken == Lanes)
            {
                ChaChaLanes.Xor32(queue);
                queue->_count[0] = 0;
            }
        }
    }

    /// <summary>Runs what waits still.</summary>
    public static void Flush(LaneQueue* queue)
    {
        int count = queue->_count[0];
        if (count == 0)
        {
            return;
        }
        // Lanes without a block work too, on memory that nobody reads.
        int lanes = count <= 16 ? 16 : Lanes;
        for (int i = count; i < lanes; i++)
        {
            queue->Target[i] = (ulong)queue->_nowhere;
        }
        if (lanes == 16)
        {
            ChaChaLanes.Xor16(queue);
        }
        else
        {
            ChaChaLanes.Xor32(queue);
        }
        queue->_count[0] = 0;
    }
}
