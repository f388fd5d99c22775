using System.Net;

namespace TunnelMesh.Protocol.PortMapping;

/// <summary>An answer, or an announcement, of a PCP server (RFC 6887 sections 7.2 and 11.1).</summary>
/// <param name="Opcode">What it is about.</param>
/// <param name="Result">Success, or why not.</param>
/// <param name="LifetimeSeconds">Of a mapping; of an error, how long it is likely to last.</param>
/// <param name="Epoch">Seconds since the gateway lost its state; see <see cref="GatewayEpoch"/>.</param>
/// <param name="Nonce">Of MAP: the request's.</param>
/// <param name="InternalPort">Of MAP: our port.</param>
/// <param name="External">Of MAP: where packets to us may be sent. An address of IPv4 comes out as such.</param>
public sealed record PcpResponse(PcpOpcode Opcode, PcpResultCode Result, uint LifetimeSeconds, uint Epoch, PcpNonce Nonce, ushort InternalPort, IPEndPoint? External);
