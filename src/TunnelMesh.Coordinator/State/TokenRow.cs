namespace TunnelMesh.Coordinator.State;

/// <summary>A token that admits devices. Prints without its secret.</summary>
/// <param name="Id">Number for people and logs.</param>
/// <param name="Secret">Normalised token; never to be logged.</param>
/// <param name="Created">Unix seconds.</param>
/// <param name="Expires">Unix seconds after which it admits nobody, or null.</param>
/// <param name="Uses">Devices it has admitted.</param>
/// <param name="MaxUses">Devices it may admit, or null for any number.</param>
/// <param name="Revoked">True when it was revoked.</param>
public sealed record TokenRow(long Id, string Secret, long Created, long? Expires, long Uses, long? MaxUses, bool Revoked)
{
    private const long SecondsOfDay = 86400;

    /// <summary>Whether it admits devices at this time.</summary>
    public TokenState StateAt(DateTimeOffset now) =>
        Revoked ? TokenState.Revoked
        : Uses >= MaxUses ? TokenState.UsedUp
        : Expires <= now.ToUnixTimeSeconds() ? TokenState.Expired
        : TokenState.Valid;

    /// <summary>True when it may admit one more device at this time.</summary>
    public bool IsValid(DateTimeOffset now) => StateAt(now) == TokenState.Valid;

    /// <summary>True when it admits nobody any more, also if the clock is corrected by up to a day: it need not be looked at.</summary>
    public bool IsOver(DateTimeOffset now) => Revoked || Uses >= MaxUses || Expires + SecondsOfDay <= now.ToUnixTimeSeconds();

    /// <summary>The ID only: a record's own text would hold the secret.</summary>
    public override string ToString() => $"token {Id}";
}
