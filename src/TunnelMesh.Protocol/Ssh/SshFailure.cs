namespace TunnelMesh.Protocol.Ssh;

/// <summary>Why a connection is over.</summary>
/// <param name="Reason">As the protocol numbers it.</param>
/// <param name="Text">For a person; made here, never the other side's words.</param>
public sealed record SshFailure(SshDisconnectReason Reason, string Text);
