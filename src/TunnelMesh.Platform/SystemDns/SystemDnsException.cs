namespace TunnelMesh.Platform.SystemDns;

/// <summary>The system's resolver could not be set up; whatever was begun has been undone. The message says what happened to what.</summary>
/// <param name="message">For people.</param>
/// <param name="inner">The cause, if there is one.</param>
public sealed class SystemDnsException(string message, Exception? inner = null) : Exception(message, inner);
