using System.Globalization;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.SystemDns;

/// <summary>systemd-resolved: names of the mesh go to the resolver of its interface, and nothing else does. The setting goes with the interface.</summary>
internal sealed class SystemdResolved(SystemDnsPlaces places) : ISystemDns
{
    public string Name => "systemd-resolved";

    public bool IsPresent() => places.Find("resolvectl") is not null && Directory.Exists(places.Resolved) &&
        ((new FileInfo(places.ResolvConf).LinkTarget?.Contains("systemd/resolve", StringComparison.Ordinal) ?? false) ||
            ResolvConf.Servers(SystemDnsPlaces.ReadText(places.ResolvConf)).Any(s => s.ToString() == "127.0.0.53"));

    public SystemDnsEntry Plan(SystemDnsRequest request) => new() { Backend = Name, Interface = request.Interface, Tag = request.Tag };

    public void Apply(SystemDnsRequest request, SystemDnsEntry entry)
    {
        try
        {
            // First of all: without it, every name would go to the new server for a moment.
            Run("default-route", entry.Interface, request.All ? "true" : "false");
            // The root as a domain: other interfaces' servers, which are asked past every route, get no name any more.
            Run(["domain", entry.Interface, .. Domains(request).Select(d => "~" + d)]);
            Run("dns", entry.Interface, request.Server.ToString());
            // The mesh is signed by nobody above it; and nobody on it listens to multicast.
            Optional("dnssec", entry.Interface, "no");
            Optional("dnsovertls", entry.Interface, "no");
            Optional("llmnr", entry.Interface, "no");
            Optional("mdns", entry.Interface, "no");
        }
        catch (SystemDnsException)
        {
            Revert(entry);
            throw;
        }
    }

    // No file that others may read tells of a link that is no default route for names. One that somebody has stopped is not to be started by the question, and keeps what it was told for when it runs.
    public bool IsIntact(SystemDnsRequest request, SystemDnsEntry entry, bool closely)
    {
        if (!closely || places.Find("busctl") is not { } busctl || UnixNative.IfNameToIndex(entry.Interface) is not (> 0 and uint index))
        {
            return true;
        }
        try
        {
            // The path has the number escaped as in sd_bus_path_encode(3): a digit comes first.
            return IsTold(request, SystemProgram.Read(busctl, ["--auto-start=no", "call", "org.freedesktop.resolve1", string.Create(CultureInfo.InvariantCulture, $"/org/freedesktop/resolve1/link/_3{index}"),
                "org.freedesktop.DBus.Properties", "GetAll", "s", "org.freedesktop.resolve1.Link"], ""));
        }
        catch (SystemDnsException)
        {
            return true;
        }
    }

    // The interface may be gone, and the setting with it.
    public void Revert(SystemDnsEntry entry) => Optional("revert", entry.Interface);

    // As busctl(1) writes the properties of a link: one server, its family (2, AF_INET) and its bytes.
    private static bool IsTold(SystemDnsRequest request, string properties) =>
        properties.Contains($"\"DNS\" a(iay) 1 2 4 {request.Server.ToString().Replace('.', ' ')} \"", StringComparison.Ordinal) &&
        Domains(request).All(d => properties.Contains($"\"{d}\" true", StringComparison.Ordinal)) &&
        !properties.Contains($"\"DefaultRoute\" b {(request.All ? "false" : "true")}", StringComparison.Ordinal);

    private static IEnumerable<string> Domains(SystemDnsRequest request) => request.All ? request.Domains.Append(".") : request.Domains;

    private void Optional(params string[] arguments)
    {
        try
        {
            Run(arguments);
        }
        catch (SystemDnsException)
        {
            // An older resolvectl does not know it.
        }
    }

    private void Run(params string[] arguments) => SystemProgram.Run(places.Find("resolvectl") ?? throw new SystemDnsException("resolvectl is gone."), arguments);
}
