using TunnelMesh.SystemTests.DataPlane;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.WireGuard;

/// <summary>Our data plane on one machine, wireguard-go on another, configured as each other's peer.</summary>
internal sealed record TunnelPair(Underlay Underlay, NetworkNamespace Ours, NetworkNamespace Theirs, OurDevice Device, WireGuardGo Remote, WireGuardKeys TheirKeys) : IAsyncDisposable
{
    private static readonly string[] OurAddresses = ["10.9.0.2/24", "fd09::2/64"], TheirAddresses = ["10.9.0.1/24", "fd09::1/64"];

    public static async Task<TunnelPair> StartAsync(bool overIPv6, bool theyBegin, int handshakesBeforeCookies, CancellationToken cancel, int lanes = 1, int threads = 1)
    {
        WireGuardKeys ourKeys = await WireGuardKeys.CreateAsync(cancel), theirKeys = await WireGuardKeys.CreateAsync(cancel);
        Underlay underlay = await Underlay.CreateAsync(cancel);
        NetworkNamespace ours = await underlay.AddMachineAsync(cancel), theirs = await underlay.AddMachineAsync(cancel);
        string Outside(NetworkNamespace machine) => overIPv6 ? $"[{machine.Address6}]" : machine.Address;
        OurDevice device = OurDevice.Start(ours, ourKeys, OurAddresses, handshakesBeforeCookies, lanes, threads);
        WireGuardGo remote = await WireGuardGo.StartAsync(
            underlay,
            theirs,
            $"""
            [Interface]
            PrivateKey = {theirKeys.Private}
            ListenPort = 51820
            [Peer]
            PublicKey = {ourKeys.Public}
            AllowedIPs = 10.9.0.2/32, fd09::2/128
            {(theyBegin ? $"Endpoint = {Outside(ours)}:{device.Port}" : "")}
            """,
            TheirAddresses,
            cancel);
        device.SetPeer(theirKeys, ["10.9.0.1/32", "fd09::1/128"], theyBegin ? null : $"{Outside(theirs)}:51820");
        return new TunnelPair(underlay, ours, theirs, device, remote, theirKeys);
    }

    public string Describe() => Device.Describe() + "\n" + (Remote.Output is { Length: > 8000 } output ? output[^8000..] : Remote.Output);

    public async ValueTask DisposeAsync()
    {
        Device.Dispose();
        await Remote.DisposeAsync();
        await Underlay.DisposeAsync();
    }
}
