using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Node.Control;
using TunnelMesh.Platform.NetworkMonitor;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Cli.Hosting;

/// <summary>What a peer is started with.</summary>
internal sealed record PeerHostOptions
{
    /// <summary>The configuration.</summary>
    public required Settings Settings { get; init; }
    /// <summary>Reads the configuration again; null where there is none to read. Throws <see cref="ConfigException"/>.</summary>
    public Func<Settings>? ReadSettings { get; init; }
    /// <summary>Where files lie.</summary>
    public required HomeLayout Layout { get; init; }
    /// <summary>The context.</summary>
    public required string Context { get; init; }
    /// <summary>The context's number, which the settings follow; of a context that is not here yet, the one that was free.</summary>
    public int ContextNumber { get; init; }
    /// <summary>Compares ranges with what this machine and its other contexts have.</summary>
    public MeshRange Range => new(new ContextStore(Layout), Context, Settings.TunName);
    /// <summary>Told once, when the peer is usable; null for nobody.</summary>
    public Action<PeerMembership>? Connected { get; init; }
    /// <summary>The coordinator to join, or null: this machine serves the mesh, or goes back to where it joined before.</summary>
    public CoordinatorAddress? Server { get; init; }
    /// <summary>How coordinators are dialled.</summary>
    public Dialling Dialling { get; init; } = Dialling.Plain;
    /// <summary>Marks a socket, or null; called with every one before it is bound or connected (<see cref="FirewallMark"/>, <see cref="OwnSockets"/>). Any thread.</summary>
    public Action<Socket>? MarkSocket { get; init; }
    /// <summary>Keeps sockets beside the tunnel where they are not marked; null where nothing does.</summary>
    public InterfaceBinding? Binding { get; init; }
    /// <summary>TUNNELMESH_TOKEN as given, or null. Secret.</summary>
    public string? Token { get; init; }
    /// <summary>SHA-256 of the mesh root that a join must find, or null.</summary>
    public byte[]? CaPin { get; init; }
    /// <summary>Wanted name, a lower-case label.</summary>
    public required string Name { get; init; }
    /// <summary>The same where somebody chose it, by flag or configuration; null where the host's stands in.</summary>
    public string? AskedName { get; init; }
    /// <summary>Program version.</summary>
    public required string Version { get; init; }
    /// <summary>Where the one line goes that says that the peer is usable.</summary>
    public required TextWriter Output { get; init; }
    /// <summary>Where a person is told what differs from the expected.</summary>
    public required TextWriter Error { get; init; }
    /// <summary>Who is told how the service is; null when no service manager started this process.</summary>
    public ServiceNotifier? Service { get; init; }
    /// <summary>The log.</summary>
    public required ILogger Log { get; init; }
    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
    /// <summary>Clock whose timestamps go on while the machine sleeps.</summary>
    public TimeProvider LastingTime { get; init; } = LastingClock.OfThisSystem;
    /// <summary>Finds the addresses behind a name; may take long, and throws <see cref="SocketException"/> when there are none.</summary>
    public Func<string, Task<IPAddress[]>> Resolve { get; init; } = Dns.GetHostAddressesAsync;
    /// <summary>Whether a stop is none that the user of this machine asked for, as when a service manager replaces a peer that hangs; a kill switch then stays. Any thread.</summary>
    public Func<bool> StopsUnasked { get; init; } = () => false;
    /// <summary>Join by token although this context is a member: the coordinator has forgotten the device.</summary>
    public bool Rejoin { get; init; }
}
