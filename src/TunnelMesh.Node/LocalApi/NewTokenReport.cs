namespace TunnelMesh.Node.LocalApi;

/// <summary>A mesh token that was made, with its text: told once, to whoever asked for it. Prints without it.</summary>
public sealed record NewTokenReport
{
    /// <summary>Number of the token.</summary>
    public required long Id { get; init; }
    /// <summary>The token, 64 hex digits. Secret.</summary>
    public required string Token { get; init; }
    /// <summary>When it ends; null for never.</summary>
    public required DateTimeOffset? Expires { get; init; }
    /// <summary>Devices it may admit; null for any number.</summary>
    public required long? Uses { get; init; }

    /// <summary>The number only: a record's own text would hold the secret.</summary>
    public override string ToString() => $"token {Id}";
}
