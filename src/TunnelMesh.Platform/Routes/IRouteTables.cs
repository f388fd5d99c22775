using System.Net;

namespace TunnelMesh.Platform.Routes;

/// <summary>Tables of routes beside the main one, and the rules by which they count. Methods that change something return 0 or the errno the kernel answered with. One thread at a time.</summary>
internal interface IRouteTables : IDisposable
{
    /// <summary>A route in a table other than the main one.</summary>
    /// <param name="table">Number of the table.</param>
    /// <param name="prefix">Where to.</param>
    /// <param name="index">The interface; 0 makes it a route that leads nowhere, and counts after every other of the same prefix.</param>
    /// <param name="source">The address that packets get whose sender chose none; null for the interface's own.</param>
    int SetRoute(uint table, System.Net.IPNetwork prefix, uint index, IPAddress? source = null);

    /// <summary>Takes such a route away; ESRCH when there is none.</summary>
    int DeleteRoute(uint table, System.Net.IPNetwork prefix, uint index);

    /// <summary>A rule: packets without a mark look into a table, ahead of every rule of a higher number. EEXIST when it is there already.</summary>
    int AddRule(bool v6, uint priority, uint table, uint mark);

    /// <summary>Takes such a rule away; ENOENT when there is none.</summary>
    int DeleteRule(bool v6, uint priority, uint table, uint mark);

    /// <summary>Whether a family has any rule of a number, or one that looks into a table, by whomever.</summary>
    /// <exception cref="IOException">The kernel does not list them.</exception>
    bool HasRule(bool v6, uint priority, uint table);

    /// <summary>Whether there is any route of a family in a table, by whomever.</summary>
    /// <exception cref="IOException">The kernel does not list them.</exception>
    bool HasRoute(bool v6, uint table);
}
