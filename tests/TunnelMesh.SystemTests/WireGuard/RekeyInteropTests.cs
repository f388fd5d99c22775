using System.Globalization;
using TunnelMesh.Protocol.Noise;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.WireGuard;

/// <summary>A rekey takes two minutes of real time, since wireguard-go's clock cannot be turned: in a class of its own, beside the others.</summary>
public sealed class RekeyInteropTests
{
    [Fact]
    public async Task A_rekey_in_either_role_loses_no_packet()
    {
        CancellationToken cancel = TestContext.Current.CancellationToken;
        await using TunnelPair weBegin = await TunnelPair.StartAsync(overIPv6: false, theyBegin: false, 200, cancel);
        await using TunnelPair theyBegin = await TunnelPair.StartAsync(overIPv6: true, theyBegin: true, 200, cancel);
        Task<(int Sent, int Received)> first = PingAsync(weBegin.Ours, "10.9.0.1", cancel);
        Task<(int Sent, int Received)> second = PingAsync(theyBegin.Theirs, "10.9.0.2", cancel);
        (int sent, int received) = await first;
        Assert.True(sent > 500 && received == sent, $"{received} of {sent}\n{weBegin.Describe()}");
        (sent, received) = await second;
        Assert.True(sent > 500 && received == sent, $"{received} of {sent}\n{theyBegin.Describe()}");

        // Sent for 130 s, and a session is renewed after 120 s by whoever began it.
        Assert.True(weBegin.Device.Plane.HandshakeCounters[HandshakeResult.SessionEstablished] >= 2, weBegin.Describe());
        Assert.True(weBegin.Device.Plane.HandshakeCounters[HandshakeResult.Responded] == 0, weBegin.Describe());
        Assert.True(theyBegin.Device.Plane.HandshakeCounters[HandshakeResult.Responded] >= 2, theyBegin.Describe());
        Assert.True(theyBegin.Device.Plane.HandshakeCounters[HandshakeResult.SessionEstablished] == 0, theyBegin.Describe());
    }

    private static async Task<(int Sent, int Received)> PingAsync(NetworkNamespace from, string target, CancellationToken cancel)
    {
        await using RunningProgram ping = from.Start(["ping", "-n", "-q", "-i", "0.2", "-w", "130", "-W", "2", target]);
        string line = await ping.WaitForLineAsync("packets transmitted", TimeSpan.FromSeconds(150), cancel);
        int[] numbers = [.. line.Split(' ').Select(w => int.TryParse(w, CultureInfo.InvariantCulture, out int n) ? n : -1).Where(n => n >= 0)];
        return (numbers[0], numbers[1]);
    }
}
