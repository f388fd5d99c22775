using System.Net;

namespace TunnelMesh.Coordinator.Certificates;

/// <summary>The server certificate in use, replaced while connections come in. Thread-safe; one caller renews at a time.</summary>
/// <param name="authority">Issues.</param>
/// <param name="time">Clock.</param>
internal sealed class ServerCertificates(MeshAuthority authority, TimeProvider time)
{
    private volatile ServerCertificate? _current;

    /// <summary>The one that new connections get.</summary>
    /// <exception cref="InvalidOperationException">None was issued yet.</exception>
    internal ServerCertificate Current => _current ?? throw new InvalidOperationException("no server certificate was issued yet");

    /// <summary>True once one was issued.</summary>
    internal bool HasCurrent => _current is not null;

    /// <summary>Issues a new one when there is none, when its name or addresses are others, when two thirds of its life are over, or when it begins in the future because the clock was set back.</summary>
    /// <returns>True when it was replaced.</returns>
    internal bool Renew(string name, IReadOnlyList<IPAddress> addresses)
    {
        if (_current is { } held && held.Name == name && held.Addresses.SequenceEqual(addresses) && held.IsGood(time.GetUtcNow()))
        {
            return false;
        }
        _current = new ServerCertificate(authority.IssueServer(name, addresses), authority.Issuer, name, addresses);
        return true;
    }
}
