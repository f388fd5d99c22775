namespace TunnelMesh.Protocol.Identity;

/// <summary>An identity key file that cannot be used; the message says what is wrong with it and what to do, and never contains key material.</summary>
public sealed class IdentityFormatException : FormatException
{
    /// <summary>Creates the exception.</summary>
    public IdentityFormatException() : base("the identity key cannot be read") { }

    /// <summary>Creates the exception with a message for people.</summary>
    public IdentityFormatException(string message) : base(message) { }

    /// <summary>Creates the exception with a message for people and its cause.</summary>
    public IdentityFormatException(string message, Exception inner) : base(message, inner) { }
}
