namespace TunnelMesh.Protocol.Control;

/// <summary>A refusal, either way; the stream ends after it unless the code is <see cref="ControlErrorCodes.UnknownType"/>.</summary>
public sealed record ErrorMessage
{
    /// <summary>JSON type name.</summary>
    public const string TypeName = "error";
    /// <summary>One of <see cref="ControlErrorCodes"/>.</summary>
    public required string Code { get; init; }
    /// <summary>What happened and what to do, for people.</summary>
    public required string Message { get; init; }
    /// <summary>Seconds until a retry makes sense; 0 if none is named.</summary>
    public int RetryAfterSeconds { get; init; }
}
