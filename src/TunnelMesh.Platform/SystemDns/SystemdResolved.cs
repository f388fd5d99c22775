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
            Run(["domain", entry.Interface, .. request.Domains.Append(request.All ? "." : null).OfType<string>().Select(d => "~" + d)]);
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

    public bool IsIntact(SystemDnsEntry entry) => true;

    // The interface may be gone, and the setting with it.
    public void Revert(SystemDnsEntry entry) => Optional("revert", entry.Interface);

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
