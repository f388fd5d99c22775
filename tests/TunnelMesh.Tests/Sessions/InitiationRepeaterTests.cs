using System.Net;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Sessions;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.Sessions;

public class InitiationRepeaterTests
{
    private static readonly PathAddress A = UdpEndpoint.From(IPEndPoint.Parse("192.0.2.1:1"));
    private static readonly PathAddress B = UdpEndpoint.From(IPEndPoint.Parse("[2001:db8::1]:1"));

    [Fact]
    public void The_same_bytes_go_to_every_candidate_every_250_ms_for_5_s()
    {
        var time = new FakeTimeProvider();
        var repeater = new InitiationRepeater(time);
        repeater.Begin([1, 2, 3], A);
        repeater.AddTarget(B, shown: false);
        repeater.AddTarget(A, shown: true);
        repeater.AddTarget(default, shown: true);
        Assert.Equal([(A, true), (B, false)], repeater.Targets);
        int repeats = 0;
        for (int ms = 0; ms < 7000; ms += 50)
        {
            time.Advance(TimeSpan.FromMilliseconds(50));
            if (repeater.TakeDue(time.GetTimestamp()))
            {
                Assert.Equal([1, 2, 3], repeater.Initiation.ToArray());
                repeats++;
            }
        }

        Assert.Equal(20, repeats);
        Assert.Equal(long.MaxValue, repeater.NextDeadline);
    }

    [Fact]
    public void A_candidate_that_answered_is_left_alone()
    {
        var repeater = new InitiationRepeater(new FakeTimeProvider());
        repeater.Begin([1], A);
        repeater.AddTarget(B, shown: true);
        repeater.NoteAnswer(A);
        repeater.AddTarget(A, shown: true);
        Assert.Equal([(B, true)], repeater.Targets);
        repeater.NoteAnswer(B);
        Assert.Equal(long.MaxValue, repeater.NextDeadline);
    }
}
