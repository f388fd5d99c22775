using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Coordinator.Relay;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Coordinator.Api;

/// <summary>What a server needs. State and authority stay the caller's to dispose, after the server.</summary>
public sealed record CoordinatorServerOptions
{
    /// <summary>TCP endpoint; port 0 takes a free one.</summary>
    public required IPEndPoint Listen { get; init; }
    /// <summary>Further TCP endpoints that serve the same, such as port 443 where networks let nothing else out.</summary>
    public IReadOnlyList<IPEndPoint> AlsoListen { get; init; } = [];
    /// <summary>Called with each listening socket before it is bound, or null; accepted connections inherit a firewall mark from it.</summary>
    public Action<Socket>? ConfigureSocket { get; init; }
    /// <summary>The coordinator's wanted mesh name; the registration of <see cref="Self"/> may add a suffix.</summary>
    public required string Name { get; init; }
    /// <summary>State.</summary>
    public required ICoordinatorState State { get; init; }
    /// <summary>Authority of this mesh.</summary>
    public required MeshAuthority Authority { get; init; }
    /// <summary>Its own device, registered as the mesh's coordinator before it listens; null for a coordinator that is no peer.</summary>
    public SelfDevice? Self { get; init; }
    /// <summary>Base URLs (https://host:port) under which peers may reach it, best first, as the map lists them until <see cref="CoordinatorServer.SetAddresses"/> says otherwise.</summary>
    public IReadOnlyList<string> Urls { get; init; } = [];
    /// <summary>The relay.</summary>
    public RelayOptions Relay { get; init; } = new();
    /// <summary>What is said to the packet filter of every peer.</summary>
    public MapFilter Filter { get; init; } = new();
    /// <summary>Who administers the mesh beside the user of <see cref="Self"/>, as <see cref="ICoordinatorState.SetAdminsAsync"/> takes it.</summary>
    public IReadOnlyList<string> AdminPeers { get; init; } = [];
    /// <summary>STUN endpoints (host:port) of this coordinator, as <see cref="Urls"/>.</summary>
    public IReadOnlyList<string> Stun { get; init; } = [];
    /// <summary>Where it logs. Must not block for long.</summary>
    public ILogger Logger { get; init; } = NullLogger.Instance;
    /// <summary>Program version, for display.</summary>
    public string ProgramVersion { get; init; } = "";
    /// <summary>Longest time a peer may use its cached map.</summary>
    public TimeSpan MapMaxAge { get; init; } = TimeSpan.FromDays(30);
    /// <summary>Connections of one address (IPv6: a /64) that are no member's stream (yet); beyond it the oldest are cut, once they have had <see cref="StrangerGrace"/>.</summary>
    public int StrangersPerAddress { get; init; } = 256;
    /// <summary>The same of all addresses together, half of it of one at most; beyond it the oldest are cut, those of the address with most of them first.</summary>
    public int StrangersInAll { get; init; } = 8192;
    /// <summary>How long a connection has to prove itself: a join takes a few round trips.</summary>
    public TimeSpan StrangerGrace { get; init; } = TimeSpan.FromSeconds(5);
    /// <summary>Clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
