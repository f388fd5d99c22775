namespace TunnelMesh.Fuzz;

/// <summary>The independent checks of a target fail with this.</summary>
public static class Check
{
    /// <summary>Throws with <paramref name="what"/> unless <paramref name="holds"/>.</summary>
    /// <exception cref="InvalidDataException">The property does not hold: a finding.</exception>
    public static void That(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidDataException(what);
        }
    }
}
