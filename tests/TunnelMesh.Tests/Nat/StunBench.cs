using System.Net;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Nat;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Stun;

namespace TunnelMesh.Tests.Nat;

/// <summary>A probe on virtual time, whose requests the test answers.</summary>
internal sealed class StunBench : IDisposable
{
    public static readonly UdpEndpoint First = Endpoint("198.51.100.1:3478"), Second = Endpoint("198.51.100.2:3478"), FirstPort = Endpoint("198.51.100.1:3479"), V6 = Endpoint("[2001:db8:51::1]:3478");
    public const int LocalPort = 2223;

    private ulong _random;

    public StunBench()
    {
        Probe = new StunProbe(new StunProbeOptions
        {
            LocalPort = LocalPort,
            Send = (datagram, in server) => Sent.Add((Time.GetUtcNow() - Start, server, datagram.ToArray())),
            IsOwnAddress = e => Own.Contains(e.ToIPEndPoint().Address),
            Changed = () => Changes++,
            Random = destination => BitConverter.TryWriteBytes(destination, ++_random),
            Time = Time,
        });
    }

    public FakeTimeProvider Time { get; } = new(Start);

    public StunProbe Probe { get; }

    public List<(TimeSpan At, UdpEndpoint Server, byte[] Request)> Sent { get; } = [];

    public List<IPAddress> Own { get; } = [IPAddress.Parse("192.168.7.2"), IPAddress.Parse("2001:db8:77::2")];

    public int Changes { get; private set; }

    private static DateTimeOffset Start => DateTimeOffset.UnixEpoch + TimeSpan.FromDays(20_000);

    public static UdpEndpoint Endpoint(string text) => UdpEndpoint.From(IPEndPoint.Parse(text));

    /// <summary>Answers the last request to a server.</summary>
    public bool Answer(UdpEndpoint server, string mapped, UdpEndpoint? from = null)
    {
        byte[] request = Sent.FindLast(s => s.Server == server).Request, answer = new byte[StunBinding.MaxAnswerSize];
        int length = StunBinding.Answer(request, StunAddress.From(IPEndPoint.Parse(mapped)), answer);
        long before = Probe.Counters.Answered;
        Assert.True(Probe.Handle(answer.AsSpan(0, length), from ?? server));
        return Probe.Counters.Answered > before;
    }

    /// <summary>Lets time pass in small steps, since a timer that is late knows only when it was looked at.</summary>
    public void Advance(double seconds)
    {
        TimeSpan step = TimeSpan.FromSeconds(seconds > 100 ? 1 : 0.1), left = TimeSpan.FromSeconds(seconds);
        for (; left > step; left -= step)
        {
            Time.Advance(step);
        }

        Time.Advance(left);
    }

    public void Dispose() => Probe.Dispose();
}
