using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Node.Dns;

/// <summary>
/// A range of addresses under <c>in-addr.arpa</c> (RFC 1035 section 3.5) or <c>ip6.arpa</c> (RFC 3596 section 2.5). Its zones begin at the first whole
/// octet, or half octet, that holds the prefix. Immutable.
/// </summary>
internal sealed class ReverseRange
{
    /// <summary>Zones named to a system at most.</summary>
    internal const int MaxDomains = 16;

    private readonly bool _v6;
    private readonly int _bits, _step, _apexDigits, _digits, _shift;
    private readonly UInt128 _prefix;

    internal ReverseRange(IPNetwork range)
    {
        _v6 = range.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;
        (_bits, _step) = _v6 ? (128, 4) : (32, 8);
        _digits = _bits / _step;
        _apexDigits = Math.Max(1, (range.PrefixLength + _step - 1) / _step);
        _shift = _bits - range.PrefixLength;
        _prefix = Prefix(DnsNode.Key(range.BaseAddress));
    }

    // A shift by all 128 bits is none at all in C#.
    private UInt128 Prefix(UInt128 address) => _shift == 128 ? 0 : address >> _shift;

    /// <summary>True when a name of so many labels is a whole address.</summary>
    internal bool IsWhole(int labels) => labels - 2 == _digits;

    /// <summary>Its zones by name; none where there are more than <see cref="MaxDomains"/>.</summary>
    internal IReadOnlyList<string> Domains()
    {
        int spare = _apexDigits * _step - (_bits - _shift);
        if (1 << spare > MaxDomains)
        {
            return [];
        }
        UInt128 first = _prefix << spare;
        return [.. Enumerable.Range(0, 1 << spare).Select(i => Domain(first + (UInt128)i))];
    }

    private string Domain(UInt128 digits)
    {
        string[] labels = new string[_apexDigits];
        for (int i = 0; i < labels.Length; i++, digits >>= _step)
        {
            uint digit = (uint)(digits & (((UInt128)1 << _step) - 1));
            labels[i] = digit.ToString(_v6 ? "x" : "d", System.Globalization.CultureInfo.InvariantCulture);
        }
        return $"{string.Join('.', labels)}.{(_v6 ? "ip6" : "in-addr")}.arpa";
    }

    /// <summary>Compares a name.</summary>
    /// <param name="name">In canonical form, ending in <c>arpa</c>.</param>
    /// <param name="starts">Where its labels begin.</param>
    /// <param name="address">The address, as far as the name tells it.</param>
    /// <param name="apex">Offset of the zone.</param>
    internal ReverseMatch Match(ReadOnlySpan<byte> name, ReadOnlySpan<byte> starts, out UInt128 address, out int apex)
    {
        address = default;
        apex = 0;
        int digits = starts.Length - 2;
        if (digits < _apexDigits || !Label(name, starts[^2]).SequenceEqual(_v6 ? "ip6"u8 : "in-addr"u8))
        {
            return ReverseMatch.None;
        }
        bool sound = true;
        for (int i = 0; i < Math.Min(digits, _digits); i++)
        {
            sound &= TryDigit(Label(name, starts[starts.Length - 3 - i]), out int digit);
            address |= (UInt128)(uint)digit << (_bits - _step * (i + 1));
            if (i == _apexDigits - 1 && (!sound || Prefix(address) != _prefix))
            {
                return ReverseMatch.None;
            }
        }
        sound &= digits <= _digits;
        apex = starts[starts.Length - 2 - _apexDigits];
        return !sound ? ReverseMatch.Beyond
            : digits == _apexDigits ? ReverseMatch.Apex
            : digits == _digits ? ReverseMatch.Address : ReverseMatch.Between;
    }

    private bool TryDigit(ReadOnlySpan<byte> label, out int value)
    {
        value = 0;
        if (_v6)
        {
            bool good = label.Length == 1 && char.IsAsciiHexDigitLower((char)label[0]);
            value = !good ? 0 : label[0] <= '9' ? label[0] - '0' : label[0] - 'a' + 10;
            return good;
        }
        if (label.Length is 0 or > 3 || (label.Length > 1 && label[0] == '0'))
        {
            return false;
        }
        foreach (byte b in label)
        {
            if (!char.IsAsciiDigit((char)b))
            {
                value = 0;
                return false;
            }
            value = value * 10 + (b - '0');
        }
        if (value > 255)
        {
            value = 0;
            return false;
        }
        return true;
    }

    private static ReadOnlySpan<byte> Label(ReadOnlySpan<byte> name, int start) => name.Slice(start + 1, name[start]);
}
