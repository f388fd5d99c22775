namespace TunnelMesh.Coordinator.State;

/// <summary>A token that admits devices. Prints without its secret.</summary>
/// <param name="Id">Number for people and logs.</param>
/// <param name="Secret">Normalised token; never to be logged.</param>
/// <param name="Created">Unix seconds.</param>
/// <param name="Expires">Unix seconds after which it admits nobody, or null.</param>
/// <param name="Uses">Devices it has admitted.</param>
/// <param name="MaxUses">Devices it may admit, or null for any number.</param>
/// <param name="Withdrawn">True when it was withdrawn.</param>
public sealed record TokenRow(long Id, string Secret, long Created, long? Expires, long Uses, long? MaxUses, bool Withdrawn)
{
    /// <summary>True when it may admit one more device at this time.</summary>
    public bool IsValid(DateTimeOffset now) =>
        !Withdrawn && (Expires is null || now.ToUnixTimeSeconds() < Expires) && (MaxUses is null || Uses < MaxUses);

    /// <summary>The ID only: a record's own text would hold the secret.</summary>
    public override string ToString() => $"token {Id}";
}
