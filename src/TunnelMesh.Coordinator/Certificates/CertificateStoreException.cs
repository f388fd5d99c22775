namespace TunnelMesh.Coordinator.Certificates;

/// <summary>The mesh's certificate files cannot be used. The message names the file and what to do; the file is left as it was.</summary>
public sealed class CertificateStoreException : Exception
{
    /// <summary>With a message for people and the cause, if there is one.</summary>
    public CertificateStoreException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}
