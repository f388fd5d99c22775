using TunnelMesh.Protocol.Addressing;

namespace TunnelMesh.Coordinator.Names;

/// <summary>Which name a new device gets. Pure.</summary>
public static class DeviceNames
{
    /// <summary>The wanted name, or with the first free suffix from -2 on when another device has it.</summary>
    /// <param name="wanted">The name as asked for.</param>
    /// <param name="isTaken">True when another device has a name.</param>
    /// <param name="refusal">Why there is no name, for people; null when there is one.</param>
    /// <returns>The name, or null when the wanted one is reserved or not a DNS label.</returns>
    public static string? Choose(string wanted, Func<string, bool> isTaken, out string? refusal)
    {
        ArgumentNullException.ThrowIfNull(isTaken);
        refusal = null;
        if (!MeshName.IsValid(wanted))
        {
            refusal = $"The name asked for is not a DNS label. Use up to {MeshName.MaxLength} lower-case letters, digits and inner hyphens.";
            return null;
        }
        if (MeshName.IsReserved(wanted))
        {
            refusal = $"The name `{wanted}` is reserved: it means something else in every mesh. Choose another name for this device.";
            return null;
        }
        string name = wanted;
        for (int number = 2; isTaken(name); number++)
        {
            name = MeshName.WithSuffix(wanted, number);
        }
        return name;
    }
}
