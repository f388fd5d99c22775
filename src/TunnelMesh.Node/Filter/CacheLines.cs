using System.Numerics;
using System.Runtime.CompilerServices;

namespace TunnelMesh.Node.Filter;

/// <summary>
/// A fixed array whose elements do not straddle lines of the processor's cache: an ordinary one begins 16 bytes after whatever lies before it. Zero at first; pages are taken up as they are
/// written. As thread-safe as an array.
/// </summary>
/// <typeparam name="T">A struct of 16, 32 or 64 bytes.</typeparam>
internal sealed unsafe class CacheLines<T>
    where T : unmanaged
{
    private const int Line = 64;

    // The pinned memory that the elements lie in.
    private readonly byte[] _memory;
    private readonly T* _first;
    private readonly int _length;

    /// <summary>Makes one.</summary>
    /// <param name="length">Elements.</param>
    public CacheLines(int length)
    {
        if (sizeof(T) > Line || !BitOperations.IsPow2(sizeof(T)))
        {
            throw new ArgumentException($"{typeof(T).Name} has {sizeof(T)} bytes, which do not fit lines of {Line}.");
        }

        _length = length;
        _memory = GC.AllocateArray<byte>(checked((length * sizeof(T)) + Line), pinned: true);
        nuint start = (nuint)Unsafe.AsPointer(ref _memory[0]);
        _first = (T*)((start + Line - 1) & ~(nuint)(Line - 1));
    }

    /// <summary>One of them.</summary>
    public ref T this[int index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)_length);
            return ref _first[index];
        }
    }
}
