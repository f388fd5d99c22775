namespace TunnelMesh.Fuzz;

/// <summary>
/// Makes hostile inputs from good ones: bit flips, cuts, insertions, repeated and swapped blocks, boundary values.
/// The same seed gives the same inputs, so a finding is reproduced by its seed and its number.
/// </summary>
public sealed class Mutator(int seed)
{
    private static readonly byte[] Boundaries = [0x00, 0x01, 0x7f, 0x80, 0xff, (byte)'"', (byte)'{', (byte)'\n'];
    private readonly Random _random = new(seed);

    /// <summary>The next input, at most <paramref name="maxLength"/> bytes; the caller owns it.</summary>
    public byte[] Next(IReadOnlyList<byte[]> seeds, int maxLength = 8192)
    {
        if (seeds.Count == 0 || _random.Next(10) == 0)
        {
            byte[] noise = new byte[_random.Next(0, 512)];
            _random.NextBytes(noise);
            return noise;
        }
        List<byte> bytes = [.. seeds[_random.Next(seeds.Count)]];
        for (int changes = _random.Next(1, 9); changes > 0; changes--)
        {
            Change(bytes, seeds);
        }
        return bytes.Count > maxLength ? [.. bytes.Take(maxLength)] : [.. bytes];
    }

    private void Change(List<byte> bytes, IReadOnlyList<byte[]> seeds)
    {
        int at = bytes.Count == 0 ? 0 : _random.Next(bytes.Count);
        switch (_random.Next(7))
        {
            case 0 when bytes.Count > 0:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when bytes.Count > 0:
                bytes[at] = Boundaries[_random.Next(Boundaries.Length)];
                break;
            case 2 when bytes.Count > 0:
                bytes.RemoveRange(at, _random.Next(bytes.Count - at + 1));
                break;
            case 3:
                byte[] noise = new byte[_random.Next(1, 17)];
                _random.NextBytes(noise);
                bytes.InsertRange(at, noise);
                break;
            case 4 when bytes.Count > 0:
                bytes.InsertRange(at, bytes.GetRange(at, Math.Min(bytes.Count - at, _random.Next(1, 65))));
                break;
            case 5:
                byte[] other = seeds[_random.Next(seeds.Count)];
                int from = _random.Next(other.Length + 1);
                bytes.InsertRange(at, other.AsSpan(from, Math.Min(other.Length - from, 64)).ToArray());
                break;
            default:
                if (bytes.Count >= 4)
                {
                    int word = _random.Next(bytes.Count - 3);
                    byte fill = Boundaries[_random.Next(Boundaries.Length)];
                    for (int i = 0; i < 4; i++)
                    {
                        bytes[word + i] = fill;
                    }
                }
                break;
        }
    }
}
