using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// Longest-prefix match from an inner address to whoever carries it. Immutable: changes build a new table, which is swapped
/// whole. A look-up tries the prefix lengths in use, longest first, each by one hash probe; it allocates nothing; any thread.
/// </summary>
/// <typeparam name="T">Who carries a prefix.</typeparam>
public sealed class RouteTable<T>
    where T : class
{
    private readonly Level<uint>[] _v4;
    private readonly Level<UInt128>[] _v6;

    /// <summary>Builds a table. Of equal prefixes the first one counts.</summary>
    /// <param name="routes">Prefixes, IPv4 and IPv6, with who carries them; null for nobody, although a shorter prefix holds them.</param>
    public RouteTable(IEnumerable<KeyValuePair<IPNetwork, T?>> routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        var v4 = new SortedDictionary<int, Dictionary<uint, T?>>();
        var v6 = new SortedDictionary<int, Dictionary<UInt128, T?>>();
        foreach ((IPNetwork prefix, T? value) in routes)
        {
            byte[] bytes = prefix.BaseAddress.GetAddressBytes();
            if (prefix.BaseAddress.AddressFamily == AddressFamily.InterNetwork)
            {
                At(v4, prefix.PrefixLength).TryAdd(BinaryPrimitives.ReadUInt32BigEndian(bytes), value);
            }
            else
            {
                At(v6, prefix.PrefixLength).TryAdd(BinaryPrimitives.ReadUInt128BigEndian(bytes), value);
            }
        }

        _v4 = [.. v4.Reverse().Select(l => new Level<uint>(l.Key == 0 ? 0 : uint.MaxValue << (32 - l.Key), l.Value))];
        _v6 = [.. v6.Reverse().Select(l => new Level<UInt128>(l.Key == 0 ? 0 : UInt128.MaxValue << (128 - l.Key), l.Value))];
    }

    /// <summary>Finds who carries an address.</summary>
    /// <param name="address">4 or 16 bytes in network order; any other length finds nothing.</param>
    /// <returns>The carrier of the longest prefix that holds the address, or null.</returns>
    public T? Find(ReadOnlySpan<byte> address)
    {
        if (address.Length == 4)
        {
            uint key = BinaryPrimitives.ReadUInt32BigEndian(address);
            foreach (ref readonly Level<uint> level in _v4.AsSpan())
            {
                if (level.Routes.TryGetValue(key & level.Mask, out T? found))
                {
                    return found;
                }
            }
        }
        else if (address.Length == 16)
        {
            UInt128 key = BinaryPrimitives.ReadUInt128BigEndian(address);
            foreach (ref readonly Level<UInt128> level in _v6.AsSpan())
            {
                if (level.Routes.TryGetValue(key & level.Mask, out T? found))
                {
                    return found;
                }
            }
        }

        return null;
    }

    private static Dictionary<TKey, T?> At<TKey>(SortedDictionary<int, Dictionary<TKey, T?>> levels, int length)
        where TKey : notnull =>
        levels.TryGetValue(length, out Dictionary<TKey, T?>? level) ? level : levels[length] = [];

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Level<TKey>(TKey Mask, Dictionary<TKey, T?> Routes)
        where TKey : notnull;
}
