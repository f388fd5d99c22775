using System.Net;

namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>An address that other machines may reach this one at.</summary>
/// <param name="InterfaceName">The interface that has it; its link works.</param>
/// <param name="Address">No loopback, link-local, multicast or wildcard.</param>
public readonly record struct InterfaceAddress(string InterfaceName, IPAddress Address);
