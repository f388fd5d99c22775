namespace TunnelMesh.Coordinator.State;

/// <summary>The coordinator's state cannot be opened. The message names the file and what to do; the file is left as it was.</summary>
public sealed class CoordinatorStateException : Exception
{
    /// <summary>With a message for people and the cause, if there is one.</summary>
    public CoordinatorStateException(string message, Exception? inner = null) : base(message, inner)
    {
    }
}
