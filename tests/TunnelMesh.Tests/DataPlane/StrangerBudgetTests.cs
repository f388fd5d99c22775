using System.Net;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.DataPlane;

public sealed class StrangerBudgetTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(56));

    [Fact]
    public void One_address_gets_so_much_whatever_the_ports_and_again_after_a_second()
    {
        StrangerBudget budget = new(_time);
        Assert.Equal(StrangerBudget.PerAddress, Enumerable.Range(1, 500).Count(port => budget.TryTake(At($"203.0.113.7:{port}"))));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(StrangerBudget.PerAddress, Enumerable.Range(1, 500).Count(port => budget.TryTake(At($"203.0.113.7:{port}"))));
    }

    [Fact]
    public void A_network_of_IPv6_counts_as_one_address()
    {
        StrangerBudget budget = new(_time);
        Assert.Equal(StrangerBudget.PerAddress, Enumerable.Range(1, 500).Count(host => budget.TryTake(At($"[2001:db8:0:1::{host:x}]:1"))));
    }

    [Fact]
    public void All_together_get_so_much()
    {
        StrangerBudget budget = new(_time);
        int taken = Enumerable.Range(0, 5000).Count(i => budget.TryTake(At($"203.0.{i / 250}.{(i % 250) + 1}:1")));
        Assert.Equal(StrangerBudget.InAll, taken);
    }

    private static UdpEndpoint At(string text) => UdpEndpoint.From(IPEndPoint.Parse(text));
}
