using TunnelMesh.Protocol.Addressing;

namespace TunnelMesh.Coordinator.Access;

/// <summary>What may stand in a list of admins: a peer ID, the name of a device, or a pattern of names, in which <c>*</c> is any text and <c>?</c> one character. Pure.</summary>
public static class AdminEntry
{
    /// <summary>Entries of a list at most.</summary>
    public const int Most = 64;

    private const int PeerIdLength = 16;

    /// <summary>True for 16 hex digits. They are never looked up among names: names are chosen by members, and nobody shall be an admin by one that looks like an ID.</summary>
    /// <param name="entry">Lower case.</param>
    public static bool IsPeerId(string entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return entry.Length == PeerIdLength && entry.All(char.IsAsciiHexDigitLower);
    }

    /// <summary>True for a text that could stand for somebody.</summary>
    /// <param name="entry">Lower case.</param>
    public static bool IsValid(string? entry) =>
        entry is { Length: > 0 and <= MeshName.MaxLength } && entry.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '*' or '?');
}
