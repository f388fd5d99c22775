using System.Text;
using TunnelMesh.Platform.NetworkMonitor;

namespace TunnelMesh.Platform.Exit;

/// <summary>The kernel's own word that somebody has changed a table of nftables: added to it, emptied it or removed it. Every rule of ours that others may flush is watched by it.</summary>
internal static class TableNotices
{
    /// <summary>Begins to watch, in the network namespace of the calling thread.</summary>
    /// <param name="backend">Whose rules they are, as <see cref="PacketRules.Backend"/> has it.</param>
    /// <param name="table">Name of the table.</param>
    /// <param name="notice">Called at each change, whoever made it, and when notices were lost. Returns soon; on a thread of its own.</param>
    /// <returns>Ends it; null where the kernel tells nothing of the kind, as for iptables and without CAP_NET_ADMIN, so that it has to be asked.</returns>
    public static IDisposable? Watch(string? backend, string table, Action notice)
    {
        ArgumentNullException.ThrowIfNull(notice);
        if (backend != PacketRules.Nft || !OperatingSystem.IsLinux())
        {
            return null;
        }

        // Every message about a table, a chain or a rule has the table's name in it.
        byte[] name = Encoding.ASCII.GetBytes(table + "\0");
        try
        {
            return DescriptorNotices.OfPacketRules(received => received.IndexOf(name) >= 0, notice);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
