namespace TunnelMesh.Coordinator.Access;

/// <summary>A mesh token is not good. The message says why and which command makes a good one; it never repeats the token.</summary>
public sealed class TokenSetupException : Exception
{
    /// <summary>With a message for people.</summary>
    public TokenSetupException(string message) : base(message)
    {
    }
}
