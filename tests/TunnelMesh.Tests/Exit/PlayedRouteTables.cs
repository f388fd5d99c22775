using System.Net;
using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Tests.Exit;

/// <summary>Tables of routes and rules as the kernel keeps them, in memory.</summary>
internal sealed class PlayedRouteTables : IRouteTables
{
    private const int NotPermitted = 1, NoEntry = 2, NoProcess = 3, Exists = 17;

    public HashSet<(bool V6, uint Priority, uint Table, uint Mark)> Rules { get; } = [];

    public HashSet<(uint Table, System.Net.IPNetwork Prefix, uint Index)> Routes { get; } = [];

    /// <summary>How many changes of rules are refused from now on.</summary>
    public int Refusals { get; set; }

    public int SetRoute(uint table, System.Net.IPNetwork prefix, uint index, IPAddress? source = null)
    {
        Routes.Add((table, prefix, index));
        return 0;
    }

    public int DeleteRoute(uint table, System.Net.IPNetwork prefix, uint index) => Routes.Remove((table, prefix, index)) ? 0 : NoProcess;

    public int AddRule(bool v6, uint priority, uint table, uint mark) => Refused() ? NotPermitted : Rules.Add((v6, priority, table, mark)) ? 0 : Exists;

    public int DeleteRule(bool v6, uint priority, uint table, uint mark) => Refused() ? NotPermitted : Rules.Remove((v6, priority, table, mark)) ? 0 : NoEntry;

    public bool HasRule(bool v6, uint priority, uint table) => Rules.Any(r => r.V6 == v6 && (r.Priority == priority || r.Table == table));

    public bool HasRoute(bool v6, uint table) => Routes.Any(r => r.Table == table && r.Prefix.BaseAddress.AddressFamily == (v6 ? System.Net.Sockets.AddressFamily.InterNetworkV6 : System.Net.Sockets.AddressFamily.InterNetwork));

    public void Dispose()
    {
        // Each is opened for one change, and all see the same kernel.
    }

    private bool Refused()
    {
        bool refused = Refusals > 0;
        Refusals -= refused ? 1 : 0;
        return refused;
    }
}
