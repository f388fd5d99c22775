using System.Security.Cryptography;

namespace TunnelMesh.SystemTests.Machines;

/// <summary>
/// A small network of machines on one Ethernet, all inside network namespaces with names that no other test uses:
/// tests run side by side, and nothing of the host's own network is seen or changed.
/// </summary>
internal sealed class Underlay : IAsyncDisposable
{
    private readonly NetworkNamespace ethernet;
    private readonly List<NetworkNamespace> machines = [];
    private readonly DirectoryInfo folder;

    private Underlay(string tag, NetworkNamespace ethernet)
    {
        Tag = tag;
        this.ethernet = ethernet;
        folder = Directory.CreateTempSubdirectory($"{tag}-");
    }

    /// <summary>Unique on this host; short enough to begin the name of a network device.</summary>
    public string Tag { get; }

    /// <summary>A folder of this test's own (0700), removed with the underlay.</summary>
    public string Folder => folder.FullName;

    public static async Task<Underlay> CreateAsync(CancellationToken cancel)
    {
        Requirements.Root();
        Requirements.Programs("ip", "ping");
        string tag = "tm" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        NetworkNamespace ethernet = await NetworkNamespace.CreateAsync($"{tag}-net", "", "", cancel);
        await ethernet.IpAsync("link add br0 type bridge", cancel);
        await ethernet.IpAsync("link set br0 up", cancel);
        return new Underlay(tag, ethernet);
    }

    /// <summary>Adds a machine with 198.51.100.N and 2001:db8:51::N.</summary>
    public async Task<NetworkNamespace> AddMachineAsync(CancellationToken cancel)
    {
        int number = machines.Count + 1;
        NetworkNamespace machine = await NetworkNamespace.CreateAsync(
            $"{Tag}-{number}", $"198.51.100.{number}", $"2001:db8:51::{number}", cancel);
        machines.Add(machine);
        await machine.IpAsync($"link add eth0 type veth peer name port{number} netns {ethernet.Name}", cancel);
        await ethernet.IpAsync($"link set port{number} master br0 up", cancel);
        await machine.IpAsync($"address add {machine.Address}/24 dev eth0", cancel);
        // Duplicate address detection would hold the address back for a second.
        await machine.IpAsync($"address add {machine.Address6}/64 dev eth0 nodad", cancel);
        await machine.IpAsync("link set eth0 up", cancel);
        return machine;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (NetworkNamespace machine in machines)
        {
            await machine.DisposeAsync();
        }

        await ethernet.DisposeAsync();
        folder.Delete(recursive: true);
    }
}
