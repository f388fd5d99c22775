using System.Runtime.InteropServices;

namespace TunnelMesh.Node.Filter;

/// <summary>Random numbers that decide where flows lie in the table.</summary>
internal readonly record struct FlowSecret(ulong A, ulong B, ulong C, ulong D)
{
    /// <summary>Draws them.</summary>
    /// <param name="random">Fills a span with randomness.</param>
    public static FlowSecret Draw(Action<Span<byte>> random)
    {
        Span<byte> bytes = stackalloc byte[32];
        random(bytes);
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        return new FlowSecret(words[0], words[1], words[2], words[3]);
    }
}
