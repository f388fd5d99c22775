namespace TunnelMesh.Platform.SystemDns;

/// <summary>resolvconf, of Debian or openresolv: it merges what every interface says into the library's configuration. It keeps no server behind a loopback one, so the mesh address is named.</summary>
internal sealed class ResolvconfProgram(SystemDnsPlaces places) : ISystemDns
{
    public string Name => "resolvconf";

    // systemd ships a program of this name for its own resolver, which the other back end knows better.
    public bool IsPresent() => places.Find("resolvconf") is { } path && !(File.ResolveLinkTarget(path, returnFinalTarget: true)?.Name.Contains("resolvectl", StringComparison.Ordinal) ?? false);

    // Debian's passes over what it does not know, and others' servers would stay; openresolv has the word in its text.
    public SystemDnsEntry Plan(SystemDnsRequest request) => request.Alone && !SystemDnsPlaces.ReadText(Program()).Contains("exclusive", StringComparison.OrdinalIgnoreCase)
        ? throw new SystemDnsException("resolvconf of this system cannot leave out the servers of other interfaces.")
        : new() { Backend = Name, Interface = request.Interface, Tag = request.Tag };

    public void Apply(SystemDnsRequest request, SystemDnsEntry entry) =>
        SystemProgram.Run(Program(), ["-a", Record(entry), "-m", "0", .. request.Alone ? ["-x"] : Array.Empty<string>()], $"nameserver {request.Server}\n");

    public bool IsIntact(SystemDnsEntry entry) => true;

    public void Revert(SystemDnsEntry entry)
    {
        if (places.Find("resolvconf") is { } program)
        {
            SystemProgram.Run(program, ["-d", Record(entry)]);
        }
    }

    private string Program() => places.Find("resolvconf") ?? throw new SystemDnsException("resolvconf is gone.");

    private static string Record(SystemDnsEntry entry) => $"{entry.Interface}.tunnelmesh";
}
