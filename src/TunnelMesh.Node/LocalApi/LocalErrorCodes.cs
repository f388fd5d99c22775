namespace TunnelMesh.Node.LocalApi;

/// <summary>Values of <see cref="LocalResponse.Error"/>; stable names.</summary>
public static class LocalErrorCodes
{
    /// <summary>The line is no request, or what it names cannot be meant.</summary>
    public const string BadRequest = "bad_request";
    /// <summary>The configuration that was to be read again cannot be used.</summary>
    public const string BadConfiguration = "bad_configuration";
    /// <summary>The running peer does not know this command (it is older than the client).</summary>
    public const string UnknownCommand = "unknown_command";
    /// <summary>Only root and the owner of the process may do this.</summary>
    public const string Forbidden = "forbidden";
    /// <summary>No device by this name, no token by this number, or no such rule, group or member.</summary>
    public const string NotFound = "not_found";
    /// <summary>The coordinator could not be reached.</summary>
    public const string Unreachable = "unreachable";
    /// <summary>The peer has not joined yet.</summary>
    public const string Starting = "starting";
    /// <summary>The running peer's answer is of another version than the client.</summary>
    public const string OtherVersion = "other_version";
    /// <summary>Anything else; the message says what.</summary>
    public const string Failed = "failed";
}
