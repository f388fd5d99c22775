using System.Collections.Concurrent;

namespace TunnelMesh.Node.Control;

/// <summary>Remembers which user's full key stands behind each name, from first sight, and says so when that changes. Thread-safe.</summary>
public sealed class KeyPins
{
    private readonly ConcurrentDictionary<string, string> _pins;
    private readonly Action<KeyPinChange> _changed;

    /// <summary>Starts from pins kept earlier.</summary>
    /// <param name="pins">Name to lower-case hex of the Ed25519 key.</param>
    /// <param name="changed">Called at once, on the observing thread, when a name shows another key; must say so loudly.</param>
    public KeyPins(IReadOnlyDictionary<string, string> pins, Action<KeyPinChange> changed)
    {
        _pins = new ConcurrentDictionary<string, string>(pins);
        _changed = changed;
    }

    /// <summary>Names remembered at most, unless the map itself has half as many: whoever joins and leaves under ever new names must not fill memory and disk of all others.</summary>
    public const int MaxNames = 65_536;

    /// <summary>A copy, for storage.</summary>
    public IReadOnlyDictionary<string, string> Snapshot() => new Dictionary<string, string>(_pins);

    /// <summary>Pins a new name, or compares a known one; a change is reported once and then pinned.</summary>
    /// <param name="name">Name in the mesh.</param>
    /// <param name="identityKey">Raw Ed25519 key.</param>
    public void Observe(string name, ReadOnlySpan<byte> identityKey)
    {
        string key = Convert.ToHexStringLower(identityKey);
        string known = _pins.GetOrAdd(name, key);
        if (known != key && _pins.TryUpdate(name, key, known))
        {
            _changed(new KeyPinChange(name, known, key));
        }
    }

    /// <summary>When there are too many names, forgets those that nobody has at present.</summary>
    /// <param name="count">Names of the map.</param>
    /// <param name="isPresent">Whether one is on it.</param>
    public void Bound(int count, Func<string, bool> isPresent)
    {
        ArgumentNullException.ThrowIfNull(isPresent);
        if (_pins.Count <= Math.Max(MaxNames, 2 * count))
        {
            return;
        }
        foreach (string name in _pins.Keys.Where(n => !isPresent(n)))
        {
            _pins.TryRemove(name, out _);
        }
    }
}
