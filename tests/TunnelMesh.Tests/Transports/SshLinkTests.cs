using System.Net;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.Transports.Ssh;

namespace TunnelMesh.Tests.Transports;

public sealed class SshLinkTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("the connection was refused")]
    public void Dialling_that_a_change_of_the_network_overtook_begins_anew_even_where_it_led_to_a_stream_that_is_gone_again(string? failure)
    {
        SshPeer peer = new(2, new byte[32], [new IPEndPoint(IPAddress.Loopback, 2222)]);
        SshLink link = new(peer, 1, new FakeTimeProvider(), _ => { });
        Assert.True(link.TryBeginDial());
        using CancellationTokenSource dial = new();
        link.NoteDialling(dial);
        Assert.False(link.NoteNetworkChanged());
        Assert.False(link.TryBeginDial());
        Assert.True(link.Dialled(peer, failure));
        Assert.True(link.TryBeginDial());
        Assert.False(link.Dialled(peer, null));
    }
}
