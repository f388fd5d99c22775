using System.Text;

namespace TunnelMesh.Platform.SystemDns;

/// <summary>macOS: a file for each domain names its resolver (resolver(5)).</summary>
internal sealed class MacOSResolvers(SystemDnsPlaces places) : ISystemDns
{
    public string Name => "resolver";

    public bool IsPresent() => OperatingSystem.IsMacOS();

    public SystemDnsEntry Plan(SystemDnsRequest request)
    {
        byte[] ours = Encoding.UTF8.GetBytes($"{ResolvConf.Marker} wrote this while its peer runs.\nnameserver {request.Server}\nport 53\n");
        return new SystemDnsEntry
        {
            Backend = Name,
            Interface = request.Interface,
            Tag = request.Tag,
            Files = [.. request.Domains.Select(d => SavedFiles.Read(Path.Combine(places.Resolvers, d), ours))],
        };
    }

    public void Apply(SystemDnsRequest request, SystemDnsEntry entry) => FileStep.Run(() =>
    {
        Directory.CreateDirectory(places.Resolvers);
        foreach (SavedFile file in entry.Files)
        {
            SavedFiles.Replace(file);
        }
    }, places.Resolvers);

    public bool IsIntact(SystemDnsEntry entry) => entry.Files.All(SavedFiles.IsOurs);

    public void Revert(SystemDnsEntry entry) => FileStep.Run(() =>
    {
        foreach (SavedFile file in entry.Files)
        {
            SavedFiles.Restore(file);
        }
    }, places.Resolvers);
}
