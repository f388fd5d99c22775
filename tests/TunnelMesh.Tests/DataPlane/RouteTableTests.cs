using System.Net;
using CsCheck;
using TunnelMesh.Node.DataPlane;
using TunnelMesh.Tests.Shared;

namespace TunnelMesh.Tests.DataPlane;

public class RouteTableTests
{
    private static readonly Gen<IPAddress> Address4 = Gen.Byte[0, 3].Array[4].Select(b => new IPAddress(b));
    private static readonly Gen<IPAddress> Address6 = Gen.Byte[0, 3].Array[16].Select(b => new IPAddress(b));
    private static readonly Gen<IPAddress> Address = Gen.OneOf(Address4, Address6);

    private static readonly Gen<IPNetwork> Prefix = Gen.Select(Address, Gen.Double.Unit).Select((a, f) => Network(a, (int)Math.Round(f * a.GetAddressBytes().Length * 8)));

    [Fact]
    public void It_answers_as_a_search_through_all_routes_does() =>
        Gen.Select(Prefix.Array[0, 30], Address.Array[1, 30]).Sample((prefixes, addresses) =>
        {
            KeyValuePair<IPNetwork, string?>[] routes = [.. prefixes.Select((p, i) => KeyValuePair.Create(p, (string?)$"{i}"))];
            RouteTable<string> table = new RouteTable<string>(routes);
            foreach (IPAddress address in addresses.Concat(prefixes.Select(p => p.BaseAddress)))
            {
                string? expected = routes.Where(r => r.Key.BaseAddress.AddressFamily == address.AddressFamily && r.Key.Contains(address))
                    .OrderByDescending(r => r.Key.PrefixLength).Select(r => r.Value).FirstOrDefault();
                Assert.Equal(expected, table.Find(address.GetAddressBytes()));
            }
        });

    [Fact]
    public void A_look_up_allocates_nothing()
    {
        RouteTable<string> table = new RouteTable<string>([new(IPNetwork.Parse("10.0.0.0/8"), "a"), new(IPNetwork.Parse("10.1.0.0/16"), "b"), new(IPNetwork.Parse("::/0"), "c")]);
        byte[] four = [10, 1, 2, 3], six = new byte[16];
        Assert.Equal("b", table.Find(four));
        Assert.Equal("c", table.Find(six));
        Assert.Equal(0, Allocations.Least(() =>
        {
            _ = table.Find(four);
            _ = table.Find(six);
        }));
        Assert.Null(new RouteTable<string>([]).Find(four));
        Assert.Null(table.Find([10, 1, 2]));
    }

    private static IPNetwork Network(IPAddress address, int length)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int bit = length; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        return new IPNetwork(new IPAddress(bytes), length);
    }
}
