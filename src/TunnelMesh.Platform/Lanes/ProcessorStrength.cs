namespace TunnelMesh.Platform.Lanes;

/// <summary>Whether a machine's processors are alike, as Linux tells it.</summary>
internal static class ProcessorStrength
{
    /// <summary>
    /// False where some processors are known to be weaker than others: Intel's hybrids have a device for each kind of core, and elsewhere each processor has its capacity
    /// (Documentation/ABI/testing/sysfs-devices-system-cpu). A thread that is kept on a weak one is slow for long.
    /// </summary>
    /// <param name="devices">/sys/devices, or what stands for it.</param>
    public static bool IsEqual(string devices)
    {
        if (Directory.Exists(Path.Combine(devices, "cpu_atom")))
        {
            return false;
        }

        try
        {
            return Directory.EnumerateDirectories(Path.Combine(devices, "system/cpu"), "cpu*").Where(p => char.IsAsciiDigit(p[^1]))
                .Select(p => Path.Combine(p, "cpu_capacity")).Where(File.Exists).Select(File.ReadAllText).Distinct(StringComparer.Ordinal).Count() < 2;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Nothing is known, as on most machines whose processors are alike.
            return true;
        }
    }
}
