using TunnelMesh.Node.DataPlane;
using TunnelMesh.Simulation.Network;

namespace TunnelMesh.Simulation.Peers;

/// <summary>Devices that all know each other, each on a host of its own with a public IPv4 and IPv6 address.</summary>
internal sealed class SimulatedMesh
{
    /// <summary>Starts the devices and introduces them.</summary>
    /// <param name="seed">Decides about everything left to chance, keys included.</param>
    /// <param name="count">How many.</param>
    /// <param name="adjust">Changes the options of each.</param>
    public SimulatedMesh(int seed, int count = 2, Func<int, TunnelEngineOptions, TunnelEngineOptions>? adjust = null)
    {
        World = new VirtualWorld(seed);
        Network = new VirtualNetwork(World);
        Peers = [.. Enumerable.Range(1, count).Select(n =>
            new SimulatedPeer(new Host(Network, $"198.51.100.{n}", $"2001:db8::{n:x}"), n, o => adjust?.Invoke(n, o) ?? o))];
        Introduce();
    }

    public VirtualWorld World { get; }

    public VirtualNetwork Network { get; }

    public IReadOnlyList<SimulatedPeer> Peers { get; }

    public SimulatedPeer A => Peers[0];

    public SimulatedPeer B => Peers[1];

    /// <summary>Gives everybody everybody else, at the present addresses.</summary>
    public void Introduce()
    {
        foreach (SimulatedPeer peer in Peers)
        {
            peer.SetPeers([.. Peers.Where(p => p != peer).Select(p => p.Spec)]);
        }
    }

    /// <summary>Sets the same conditions on every link.</summary>
    public void SetLinks(LinkConditions conditions)
    {
        foreach (SimulatedPeer peer in Peers)
        {
            peer.Host.Link.Set(conditions);
        }
    }

    /// <summary>Lets the first ping to and fro, so that a session stands and its first probes are over.</summary>
    public void Connect()
    {
        A.Ping(B, 60000);
        World.Run(TimeSpan.FromSeconds(2));
        Assert.Contains(60000, A.Pongs);
        A.Received.Clear();
        B.Received.Clear();
    }

    public void Run(double seconds) => World.Run(TimeSpan.FromSeconds(seconds));

    /// <summary>Runs until something is true.</summary>
    /// <returns>After how many seconds.</returns>
    public double RunUntil(Func<bool> condition, double limitSeconds) => World.RunUntil(condition, TimeSpan.FromSeconds(limitSeconds)).TotalSeconds;

    /// <summary>Does something now and then after each interval.</summary>
    /// <param name="count">How often.</param>
    /// <param name="interval">Time between.</param>
    /// <param name="action">Gets 0, 1, 2 and so on.</param>
    public void Repeat(int count, TimeSpan interval, Action<int> action)
    {
        for (int i = 0; i < count; i++)
        {
            int at = i;
            World.After(interval * i, () => action(at));
        }
    }
}
