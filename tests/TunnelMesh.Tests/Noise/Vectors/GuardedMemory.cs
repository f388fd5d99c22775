using System.Runtime.InteropServices;

namespace TunnelMesh.Tests.Noise.Vectors;

/// <summary>Memory between two pages that must not be touched: an access one byte outside ends the process.</summary>
internal sealed unsafe partial class GuardedMemory : IDisposable
{
    private const int None = 0, ReadWrite = 3, PrivateAnonymous = 0x22;
    private readonly nint _start;
    private readonly nuint _size;
    private readonly nuint _inner;

    public GuardedMemory(int capacity)
    {
        nuint page = (nuint)Environment.SystemPageSize;
        _inner = ((nuint)capacity + page - 1) / page * page;
        _size = _inner + (2 * page);
        _start = Map(0, _size, None, PrivateAnonymous, -1, 0);
        if (_start == -1 || Protect(_start + (nint)page, _inner, ReadWrite) != 0)
        {
            throw new InvalidOperationException("no memory with guard pages");
        }
    }

    /// <summary>The first <paramref name="length"/> bytes: one before them faults.</summary>
    public Span<byte> AtStart(int length) => new((void*)(_start + Environment.SystemPageSize), length);

    /// <summary>The last <paramref name="length"/> bytes: one behind them faults.</summary>
    public Span<byte> AtEnd(int length) => new((void*)(_start + Environment.SystemPageSize + (nint)_inner - length), length);

    public void Dispose() => _ = Unmap(_start, _size);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);
}
