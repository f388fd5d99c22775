using TunnelMesh.Platform.Routes;

namespace TunnelMesh.Tests.Tun;

/// <summary>Notes what Windows would be asked, and answers as it is told to.</summary>
internal sealed class FakeIpHelper : IIpHelper
{
    public List<string> Asked { get; } = [];

    /// <summary>The error of a request, by its line in <see cref="Asked"/>.</summary>
    public Func<string, int> Answer { get; set; } = _ => 0;

    /// <summary>Interfaces that exist.</summary>
    public HashSet<string> Names { get; } = [];

    /// <summary>What the adapter came to be called.</summary>
    public string? Alias { get; set; }

    public bool Exists(string alias) => Names.Contains(alias);

    /// <summary>The number of every interface that exists.</summary>
    public ulong Luid { get; set; } = 0x2a;

    /// <summary>The metric of an interface, and whether it is connected, by its number.</summary>
    public Func<ulong, (uint Metric, bool Connected)> Interface { get; set; } = _ => (0, true);

    public ulong? LuidOf(string alias) => Exists(alias) ? Luid : null;

    public string? AliasOf(ulong luid) => Alias;

    public int GetInterface(ref InterfaceRow row)
    {
        int error = Answer(Note($"interface {row.Family} {row.Luid:x}?"));
        row.RouterDiscoveryBehavior = 1;
        row.DadTransmits = 3;
        row.ManagedAddressConfigurationSupported = 1;
        row.OtherStatefulConfigurationSupported = 1;
        row.SitePrefixLength = 64;
        row.Mtu = 65535;
        (row.Metric, bool connected) = Interface(row.Luid);
        row.Connected = connected ? (byte)1 : (byte)0;
        return error;
    }

    public int SetInterface(ref InterfaceRow row) => Answer(Note(
        $"interface {row.Family} {row.Luid:x} mtu {row.Mtu} routers {row.RouterDiscoveryBehavior} detection {row.DadTransmits} managed {row.ManagedAddressConfigurationSupported + row.OtherStatefulConfigurationSupported} site {row.SitePrefixLength}"));

    public UnicastRow NewAddress() => new() { ValidLifetime = uint.MaxValue, PreferredLifetime = uint.MaxValue, OnLinkPrefixLength = 255 };

    public int AddAddress(ref UnicastRow row) => Answer(Note(
        $"address {row.Address.Address}/{row.OnLinkPrefixLength} on {row.Luid:x} state {row.DadState} lifetimes {(int)row.ValidLifetime} {(int)row.PreferredLifetime}"));

    public ForwardRow NewRoute() => new() { Metric = uint.MaxValue };

    public int AddRoute(ref ForwardRow row) => Answer(Note(
        $"route {row.Destination.Address}/{row.PrefixLength} on {row.Luid:x} by {row.NextHop.Address} metric {row.Metric}"));

    public int DeleteRoute(ref ForwardRow row) => Answer(Note($"no route {row.Destination.Address}/{row.PrefixLength} on {row.Luid:x} by {row.NextHop.Address}"));

    private string Note(string line)
    {
        Asked.Add(line);
        return line;
    }
}
