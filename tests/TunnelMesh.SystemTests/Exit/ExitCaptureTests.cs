using System.Net.Sockets;
using System.Security.Cryptography;
using TunnelMesh.SystemTests.Capture;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Exit;

/// <summary>What leaves a client without the kill switch, from before its start on, while programs send without a pause.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class ExitCaptureTests
{
    private const string Site6 = $"[{ExitLab.Site6}]", Curl = "curl -s -g --noproxy '*' --max-time 1 -o /dev/null";
    private static readonly string Token = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    // So long name servers stay closed at least after the peer was killed: less by the time since it last renewed that.
    private static readonly TimeSpan Closed = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<Socket> OpenAsync(ExitLab lab, string site)
    {
        Socket socket = NamespaceThread.Run(lab.Client.Machine, () => new Socket(site.Contains(':', StringComparison.Ordinal) ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        await socket.ConnectAsync(site, 80, Cancel);
        return socket;
    }

    [Fact]
    public async Task Nothing_leaves_beside_the_tunnel_once_the_peer_has_said_that_it_is_connected_through_start_loss_and_restart()
    {
        await using ExitLab lab = await ExitLab.CreateAsync(Token, Cancel);
        await lab.Hub.JoinAsync(Cancel);
        await lab.Exit.JoinAsync(Cancel, lab.Server, ExitLab.Serves);
        using PacketCapture capture = PacketCapture.Start(lab.Client.Machine, "eth0", 14);
        await using RunningProgram programs = lab.Client.Machine.Start(
            ["sh", "-c", $"while :; do {Curl} http://{ExitLab.Site}/; {Curl} http://{Site6}/; timeout 2 getent ahostsv4 {ExitLab.Name} > /dev/null; done"]);
        using Socket old = await OpenAsync(lab, ExitLab.Site), old6 = await OpenAsync(lab, ExitLab.Site6);
        Assert.Equal(lab.Client.Machine.Address, await lab.SourceAsync(ExitLab.Name, Cancel));

        await lab.Client.JoinAsync(Cancel, lab.Server, ExitLab.Uses);
        DateTimeOffset connected = DateTimeOffset.UtcNow;
        await ExitLab.UntilAsync(lab.Client, "active", "exit", Cancel);
        // Connections of before end: they go on neither as they were nor with an address of the LAN through the exit.
        foreach (Socket socket in new[] { old, old6 })
        {
            await socket.SendAsync("GET /1 HTTP/1.1\r\n\r\n"u8.ToArray(), Cancel);
        }

        await WorksAsync(lab);
        // Longer than name servers are closed at a time.
        await Task.Delay(TimeSpan.FromSeconds(65), Cancel);
        await WorksAsync(lab);
        DateTimeOffset killed = DateTimeOffset.UtcNow;
        await lab.Client.KillAsync();
        Assert.Equal(lab.Client.Machine.Address, await lab.SourceAsync(ExitLab.Site, Cancel));
        Assert.False((await lab.Client.Machine.TryRunAsync(["getent", "ahostsv4", ExitLab.Name], Cancel)).Succeeded);
        await lab.UntilNamesAreFoundAsync(Cancel);
        Assert.Equal(lab.Client.Machine.Address, await lab.SourceAsync(ExitLab.Name, Cancel));

        await lab.Client.JoinAsync(Cancel, lab.Server, ExitLab.Uses);
        DateTimeOffset again = DateTimeOffset.UtcNow;
        await ExitLab.UntilAsync(lab.Client, "active", "exit", Cancel);
        await WorksAsync(lab);
        await lab.Exit.KillAsync();
        await ExitLab.UntilAsync(lab.Client, "offline", "blocked", Cancel);
        Assert.Equal("", await lab.SourceAsync(ExitLab.Site, Cancel));
        Assert.Equal("", await lab.SourceAsync(Site6, Cancel));
        await lab.Exit.JoinAsync(Cancel, lab.Server, ExitLab.Serves);
        await ExitLab.UntilAsync(lab.Client, "active", "exit", Cancel);
        await WorksAsync(lab);

        IReadOnlyList<CapturedPacket> packets = capture.Stop();
        // What was sent is seen where it leaves beside the tunnel: the silence below is none of the capture's.
        string names = $"protocol 17 to {lab.Gateway.Address} port 53";
        Assert.Superset(new HashSet<string> { $"protocol 6 to {ExitLab.Site} port 80", $"protocol 6 to {ExitLab.Site6} port 80", names }, ExitLab.Leaks(packets.Where(p => p.At < connected)).ToHashSet());
        Assert.Empty(ExitLab.Leaks(packets.Where(p => p.At > connected && p.At < killed)));
        IReadOnlyList<string> direct = ExitLab.Leaks(packets.Where(p => p.At > killed && p.At < killed + Closed));
        Assert.Contains($"protocol 6 to {ExitLab.Site} port 80", direct);
        Assert.DoesNotContain(direct, leak => leak.EndsWith(" port 53", StringComparison.Ordinal));
        Assert.Contains(names, ExitLab.Leaks(packets.Where(p => p.At > killed + Closed && p.At < again)));
        Assert.Empty(ExitLab.Leaks(packets.Where(p => p.At > again)));
    }

    private static async Task WorksAsync(ExitLab lab)
    {
        Assert.Equal(ExitLab.ExitSource, await lab.SourceAsync(ExitLab.Name, Cancel));
        Assert.Equal(ExitLab.ExitSource6, await lab.SourceAsync(Site6, Cancel));
        Assert.False(await lab.LanHearsAsync(Cancel));
    }
}
