using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.WireGuard;

/// <summary>A key pair in base64, made by the `wg` tool and not by our own code.</summary>
internal sealed record WireGuardKeys(string Private, string Public)
{
    public static async Task<WireGuardKeys> CreateAsync(CancellationToken cancel)
    {
        Requirements.Programs("wg");
        string secret = await Command.RunAsync(["wg", "genkey"], cancel: cancel);
        return new WireGuardKeys(secret, await Command.RunAsync(["wg", "pubkey"], secret + "\n", cancel));
    }
}
