using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// What may be sent to addresses that nobody has shown to be a peer's: members name addresses in the map and in meetings, and whoever has a session may write any source into a datagram. Limited for each
/// address (IPv6: each /64) and altogether, so that nobody can be made to flood a stranger. A fixed table: addresses that fall on one place share it. One thread.
/// </summary>
/// <param name="time">Fills it up again.</param>
internal sealed class StrangerBudget(TimeProvider time)
{
    /// <summary>Datagrams to one address: a second, and at once.</summary>
    public const int PerAddress = 50;

    /// <summary>Datagrams to all: a second, and at once.</summary>
    public const int InAll = 1000;

    private const int Places = 1024;

    private readonly (double Tokens, long At)[] _places = new (double, long)[Places];
    private (double Tokens, long At) _all = (InAll, time.GetTimestamp());

    /// <summary>Takes the right to send one datagram.</summary>
    public bool TryTake(in UdpEndpoint to)
    {
        long now = time.GetTimestamp();
        // Seeded anew at each start of the program: nobody can choose an address that shares another's place.
        int place = (int)((uint)HashCode.Combine(to.High, to.IsIPv4 ? to.IPv4 : 0) % Places);
        if (!Fill(ref _places[place], PerAddress, now) || !Fill(ref _all, InAll, now))
        {
            return false;
        }

        _places[place].Tokens--;
        _all.Tokens--;
        return true;
    }

    private bool Fill(ref (double Tokens, long At) bucket, int most, long now)
    {
        bucket = bucket.At == 0
            ? (most, now)
            : (Math.Min(most, bucket.Tokens + (time.GetElapsedTime(bucket.At, now).TotalSeconds * most)), now);
        return bucket.Tokens >= 1;
    }
}
