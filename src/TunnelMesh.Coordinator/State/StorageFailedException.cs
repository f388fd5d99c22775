namespace TunnelMesh.Coordinator.State;

/// <summary>One change could not be stored (disk full, I/O error) and did not happen; later changes are tried again.</summary>
public sealed class StorageFailedException : Exception
{
    /// <summary>With a message for people and the cause.</summary>
    public StorageFailedException(string message, Exception inner) : base(message, inner)
    {
    }
}
