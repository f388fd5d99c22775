using System.Text;

namespace TunnelMesh.Platform.SystemDns;

/// <summary>
/// macOS: a file for each domain names its resolver (resolver(5)). All other names have no file; a service of the system's dynamic store that answers for the empty domain is asked before those of the
/// network (scutil(8)). It is gone after a restart of the machine.
/// </summary>
internal sealed class MacOSResolvers(SystemDnsPlaces places, Action<string, IEnumerable<string>, string> run) : ISystemDns
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
            All = request.All,
            Files = [.. request.Domains.Select(d => SavedFiles.Read(Path.Combine(places.Resolvers, d), ours))],
        };
    }

    public void Apply(SystemDnsRequest request, SystemDnsEntry entry)
    {
        FileStep.Run(() =>
        {
            Directory.CreateDirectory(places.Resolvers);
            foreach (SavedFile file in entry.Files)
            {
                SavedFiles.Replace(file);
            }
        }, places.Resolvers);
        if (entry.All)
        {
            Store($"""
                d.init
                d.add ServerAddresses * {request.Server}
                d.add SupplementalMatchDomains * ""
                d.add SupplementalMatchDomainsNoSearch # 1
                set {Key(entry)}

                """);
        }
    }

    public bool IsIntact(SystemDnsRequest request, SystemDnsEntry entry, bool closely) => entry.Files.All(SavedFiles.IsOurs);

    public void Revert(SystemDnsEntry entry)
    {
        FileStep.Run(() =>
        {
            foreach (SavedFile file in entry.Files)
            {
                SavedFiles.Restore(file);
            }
        }, places.Resolvers);
        if (entry.All)
        {
            Store($"remove {Key(entry)}\n");
        }
    }

    // The context is a label: nothing in it has a meaning to the program.
    private static string Key(SystemDnsEntry entry) => $"State:/Network/Service/tunnelmesh-{new string([.. entry.Tag.Where(c => char.IsAsciiLetterOrDigit(c) || c == '-')])}/DNS";

    private void Store(string commands) => run(places.Find("scutil") ?? "/usr/sbin/scutil", [], commands + "quit\n");
}
