using System.Text.Json;

namespace TunnelMesh.Protocol.Control;

/// <summary>
/// Lists of records that come from outside. Generated deserialisers assign every init property, also those the text leaves out (they get null, not
/// the initializer's value), and look at no element for null; so each record does both itself.
/// </summary>
internal static class WireList
{
    /// <summary>The list, or an empty one when it was left out.</summary>
    /// <exception cref="JsonException">An element is null.</exception>
    internal static IReadOnlyList<T> Of<T>(IReadOnlyList<T>? list) where T : class => OrNull(list) ?? [];

    /// <summary>The list, or null when it was left out.</summary>
    /// <exception cref="JsonException">An element is null.</exception>
    internal static IReadOnlyList<T>? OrNull<T>(IReadOnlyList<T>? list) where T : class
    {
        for (int i = 0; i < list?.Count; i++)
        {
            if (list[i] is null)
            {
                throw new JsonException("an element of a list is null");
            }
        }
        return list;
    }
}
