namespace TunnelMesh.Platform.SystemDns;

/// <summary>One way of telling a system where names of the mesh are answered. One thread at a time.</summary>
public interface ISystemDns
{
    /// <summary>Stable name, for the journal and for people: <c>systemd-resolved</c>, <c>resolvconf</c>, <c>networkmanager</c>, <c>resolv.conf</c>, <c>resolver</c>, <c>nrpt</c>.</summary>
    string Name { get; }

    /// <summary>True when this system works this way.</summary>
    bool IsPresent();

    /// <summary>What will be changed, to be written down before.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    SystemDnsEntry Plan(SystemDnsRequest request);

    /// <summary>Changes it.</summary>
    /// <param name="request">What the system is to be told.</param>
    /// <param name="entry">From <see cref="Plan"/>, on disk by now.</param>
    /// <exception cref="SystemDnsException">The system refused.</exception>
    void Apply(SystemDnsRequest request, SystemDnsEntry entry);

    /// <summary>True while the system is still as it was told, or does not say. Others may have written over it.</summary>
    /// <param name="request">What it was told.</param>
    /// <param name="entry">From <see cref="Plan"/>.</param>
    /// <param name="closely">Whether a program may be run where files do not tell all; every other look.</param>
    bool IsIntact(SystemDnsRequest request, SystemDnsEntry entry, bool closely);

    /// <summary>Puts back what was there. What somebody else has changed meanwhile stays theirs. May be called for what was never applied, and again.</summary>
    /// <exception cref="SystemDnsException">The system refused.</exception>
    void Revert(SystemDnsEntry entry);
}
