using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Node.Control;

/// <summary>
/// Why a peer could not talk to a coordinator. The message says what happened and what to do, for people; parts of it may come from a server that has not
/// proved itself, so it is one plain line of 1000 characters at most.
/// </summary>
public sealed class ControlException : Exception
{
    private const int MaxMessage = 1000;

    /// <summary>Creates the exception.</summary>
    public ControlException() : this(ControlErrorCodes.Internal, "the coordinator could not be used") { }

    /// <summary>Creates the exception with a message.</summary>
    public ControlException(string message) : this(ControlErrorCodes.Internal, message) { }

    /// <summary>Creates the exception with a message and its cause.</summary>
    public ControlException(string message, Exception? inner) : this(ControlErrorCodes.Internal, message, 0, inner) { }

    /// <summary>Creates the exception with a code.</summary>
    /// <param name="code">One of <see cref="ControlErrorCodes"/> or <see cref="ControlFailure"/>.</param>
    /// <param name="message">For people.</param>
    /// <param name="retryAfterSeconds">Seconds until a retry makes sense; 0 if unknown.</param>
    /// <param name="inner">The cause.</param>
    public ControlException(string code, string message, int retryAfterSeconds = 0, Exception? inner = null) : base(PlainText.Line(message, MaxMessage), inner)
    {
        Code = code;
        RetryAfterSeconds = retryAfterSeconds;
    }

    /// <summary>One of <see cref="ControlErrorCodes"/> or <see cref="ControlFailure"/>; stable.</summary>
    public string Code { get; }

    /// <summary>Seconds until a retry makes sense; 0 if unknown.</summary>
    public int RetryAfterSeconds { get; }

    /// <summary>True when trying again cannot help without somebody's action.</summary>
    public bool IsFinal => Code is ControlErrorCodes.Revoked or ControlErrorCodes.UnknownDevice or ControlErrorCodes.NameRefused;
}
