namespace TunnelMesh.Platform.SystemDns;

/// <summary>Windows: rules of the name resolution policy table send names of the mesh to its resolver. Our rules carry a remark, and only those are ever removed.</summary>
internal sealed class WindowsNrpt(SystemDnsPlaces places, Action<string, IReadOnlyList<string>> run) : ISystemDns
{
    public string Name => "nrpt";

    public bool IsPresent() => OperatingSystem.IsWindows();

    public SystemDnsEntry Plan(SystemDnsRequest request) => new() { Backend = Name, Interface = request.Interface, Tag = request.Tag };

    public void Apply(SystemDnsRequest request, SystemDnsEntry entry)
    {
        string domains = string.Join(',', request.Domains.Append(request.All ? "" : null).OfType<string>().Select(d => $"'.{d}'"));
        Run($"{Removal(entry)}; Add-DnsClientNrptRule -Namespace {domains} -NameServers '{request.Server}' -Comment '{Remark(entry)}'; Clear-DnsClientCache");
    }

    public bool IsIntact(SystemDnsRequest request, SystemDnsEntry entry, bool closely) => true;

    public void Revert(SystemDnsEntry entry) => Run($"{Removal(entry)}; Clear-DnsClientCache");

    // The context is a label: nothing in it has a meaning to the shell.
    private static string Remark(SystemDnsEntry entry) => $"TunnelMesh {new string([.. entry.Tag.Where(c => char.IsAsciiLetterOrDigit(c) || c == '-')])}";

    private static string Removal(SystemDnsEntry entry) =>
        $"Get-DnsClientNrptRule | Where-Object Comment -eq '{Remark(entry)}' | Remove-DnsClientNrptRule -Force";

    private void Run(string script) =>
        run(places.Find("powershell.exe") ?? "powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", $"$ErrorActionPreference='Stop'; {script}"]);
}
