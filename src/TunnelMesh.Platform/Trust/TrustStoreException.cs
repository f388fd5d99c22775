namespace TunnelMesh.Platform.Trust;

/// <summary>A system did not take a certificate, or did not give it back; the message is for people.</summary>
public sealed class TrustStoreException(string message, Exception? inner = null) : Exception(message, inner);
