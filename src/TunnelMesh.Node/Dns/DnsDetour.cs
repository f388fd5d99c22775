using System.Net;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Node.Dns;

/// <summary>Other servers for names of others, for as long as traffic leaves through an exit peer: they are asked as programs ask, so that nobody on the way sees the names. Immutable.</summary>
public sealed class DnsDetour
{
    private readonly byte[] _direct;

    /// <param name="servers">Whom to ask; nobody while the exit peer is not there.</param>
    /// <param name="direct">
    /// The one name that is asked for as if there were no detour: by which this device was told to join, since without it nobody could get to the exit peer. Never one that
    /// the network has told: whoever could name them would have any question asked past the exit. An address, which nobody asks for, is no harm.
    /// </param>
    public DnsDetour(IReadOnlyList<IPEndPoint> servers, string direct)
    {
        byte[] name = new byte[DnsName.MaxBytes];
        Servers = servers;
        _direct = DnsName.TryWrite(direct, name, out int length) && length > 1 ? name[..length] : [];
    }

    /// <summary>Whom to ask.</summary>
    public IReadOnlyList<IPEndPoint> Servers { get; }

    /// <summary>True for the name that is asked for past the detour.</summary>
    /// <param name="name">In canonical form.</param>
    internal bool IsDirect(ReadOnlySpan<byte> name) => name.SequenceEqual(_direct);
}
