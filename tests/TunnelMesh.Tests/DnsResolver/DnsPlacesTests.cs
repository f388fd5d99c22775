using System.Net;
using TunnelMesh.Node.Dns;

namespace TunnelMesh.Tests.DnsResolver;

public sealed class DnsPlacesTests
{
    private readonly DnsPlaces _places = new();

    private static DnsAsker Device(uint number) => new(false, 0x0A2A0000 + number);

    private int Fill(DnsAsker asker)
    {
        int count = 0;
        for (; _places.TryEnter(asker); count++)
        {
            Assert.True(count < 2 * DnsForwarder.MaxOnTheWay, "nothing bounds it");
        }
        return count;
    }

    [Fact]
    public void A_device_has_its_share_and_the_mesh_leaves_some_to_this_machine()
    {
        Assert.Equal(DnsForwarder.MaxOfDevice, Fill(Device(2)));
        uint devices = 1;
        for (int taken; (taken = Fill(Device(2 + devices))) > 0; devices++)
        {
            Assert.Equal(DnsForwarder.MaxOfDevice, taken);
        }
        Assert.Equal(DnsForwarder.MaxOfMesh, (int)devices * DnsForwarder.MaxOfDevice);
        Assert.Equal(DnsForwarder.MaxOnTheWay - DnsForwarder.MaxOfMesh, Fill(DnsAsker.Own));
        Assert.Equal(DnsForwarder.MaxOnTheWay, _places.Taken);
    }

    [Fact]
    public void This_machine_alone_may_have_them_all()
    {
        Assert.Equal(DnsForwarder.MaxOnTheWay, Fill(DnsAsker.Own));
        Assert.False(_places.TryEnter(Device(2)));
    }

    [Fact]
    public void A_place_that_is_given_back_is_for_whoever_asks_next_and_nobody_is_remembered()
    {
        int taken = Fill(Device(2));
        _places.Leave(Device(2));
        Assert.True(_places.TryEnter(Device(2)));
        Assert.True(_places.TryEnter(DnsAsker.Own));
        Assert.Equal(1, _places.Devices);
        for (int i = 0; i < taken; i++)
        {
            _places.Leave(Device(2));
        }
        _places.Leave(DnsAsker.Own);
        Assert.Equal((0, 0), (_places.Taken, _places.Devices));
        Assert.Equal(taken, Fill(Device(2)));
    }

    [Fact]
    public void Both_addresses_of_a_device_are_one_asker()
    {
        DnsAsker four = DnsAsker.Of(DnsSource.Of(IPAddress.Parse("10.42.0.2"))), six = DnsAsker.Of(DnsSource.Of(IPAddress.Parse("fd12:3456:789a::10.42.0.2")));
        Assert.Equal(four, six);
        Assert.NotEqual(four, DnsAsker.Of(DnsSource.Of(IPAddress.Parse("10.42.0.3"))));
        Assert.NotEqual(DnsAsker.Own, DnsAsker.Of(DnsSource.Of(IPAddress.Parse("fd12:3456:789a::"))));
    }
}
