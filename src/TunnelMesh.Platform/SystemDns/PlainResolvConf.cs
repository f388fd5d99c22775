using System.Text;

namespace TunnelMesh.Platform.SystemDns;

/// <summary>The last resort: the library's configuration itself. This resolver comes first and asks those who came first before; they stay as a reserve, unless nobody else may be asked.</summary>
internal sealed class PlainResolvConf(SystemDnsPlaces places) : ISystemDns
{
    public string Name => "resolv.conf";

    public bool IsPresent() => true;

    public SystemDnsEntry Plan(SystemDnsRequest request)
    {
        string before = SystemDnsPlaces.ReadText(places.ResolvConf);
        byte[] ours = Encoding.UTF8.GetBytes(ResolvConf.Write(before, request.Local ?? request.Server, places.Journal, request.Alone));
        return new SystemDnsEntry { Backend = Name, Interface = request.Interface, Tag = request.Tag, Files = [SavedFiles.Read(places.ResolvConf, ours)] };
    }

    public void Apply(SystemDnsRequest request, SystemDnsEntry entry) => FileStep.Run(() => SavedFiles.Replace(entry.Files[0]), places.ResolvConf);

    public bool IsIntact(SystemDnsRequest request, SystemDnsEntry entry, bool closely) => SavedFiles.IsOurs(entry.Files[0]);

    public void Revert(SystemDnsEntry entry) => FileStep.Run(() =>
    {
        foreach (SavedFile file in entry.Files)
        {
            SavedFiles.Restore(file);
        }
    }, places.ResolvConf);
}
