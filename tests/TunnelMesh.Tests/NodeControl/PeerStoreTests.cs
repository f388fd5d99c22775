using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.NodeControl;

public sealed class PeerStoreTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("tm-store").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Keys_and_maps_come_back_and_are_private()
    {
        PeerStore store = new(_directory, TimeProvider.System);
        Assert.Null(store.LoadDeviceKey());
        DeviceKey key = DeviceKey.Generate(RandomNumberGenerator.Fill);
        store.SaveDeviceKey(key);
        Assert.Equal(key.Public.ToArray(), store.LoadDeviceKey()!.Public.ToArray());
        store.SaveMap(new CachedMap { ConfirmedUnixMs = 1, Map = NetworkMapTests.Full(NetworkMapTests.Device("a", 1)) });
        Assert.Equal("a", store.LoadMap()!.Map.Devices[0].Name);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_directory, "device.key")));
        }
    }

    [Theory]
    [InlineData("device.key")]
    [InlineData("map.json.gz")]
    [InlineData("mesh.json")]
    [InlineData("certificate.pem")]
    public void A_damaged_file_is_kept_aside(string name)
    {
        PeerStore store = new(_directory, TimeProvider.System);
        File.WriteAllText(Path.Combine(_directory, name), "damage");
        PeerStoreException e = Assert.Throws<PeerStoreException>(() =>
        {
            _ = name switch { "device.key" => (object?)store.LoadDeviceKey(), "map.json.gz" => store.LoadMap(), "mesh.json" => store.LoadMembership(), _ => store.LoadCertificate() };
        });
        Assert.Equal("damage", File.ReadAllText(e.KeptAs));
        Assert.False(File.Exists(Path.Combine(_directory, name)));
    }

    [Theory]
    [InlineData("device.key")]
    [InlineData("map.json.gz")]
    [InlineData("mesh.json")]
    public void A_directory_in_the_place_of_a_file_is_called_one_and_stays(string name)
    {
        PeerStore store = new(_directory, TimeProvider.System);
        string path = Path.Combine(_directory, name);
        Directory.CreateDirectory(path);
        PeerStoreException e = Assert.Throws<PeerStoreException>(() =>
        {
            _ = name switch { "device.key" => (object?)store.LoadDeviceKey(), "map.json.gz" => store.LoadMap(), _ => store.LoadMembership() };
        });
        Assert.StartsWith($"{path} is a directory, where a file of this peer belongs. Move it away.", e.Message, StringComparison.Ordinal);
        Assert.True(Directory.Exists(path));
    }

    [Theory]
    [InlineData("10.42.0.0/16", "10.42.0.1", true)]
    [InlineData("10.42.0.0", "10.42.0.1", false)]
    [InlineData("0.0.0.0/0", "10.42.0.1", false)]
    [InlineData("10.42.0.0/16", "10.43.0.1", false)]
    [InlineData("10.42.0.0/16", "nowhere", false)]
    public void A_membership_whose_ranges_or_addresses_cannot_be_used_is_damaged(string cidr, string address, bool good)
    {
        PeerStore store = new(_directory, TimeProvider.System);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 root = new CertificateRequest("CN=root", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
        MapFull map = NetworkMapTests.Full(NetworkMapTests.Device("a", 1));
        store.SaveMembership(new PeerMembership { Server = "hub:8443", MeshRoot = root.RawData, Mesh = map.Mesh with { Cidr = cidr }, Device = map.Devices[0] with { Ip = address } });
        if (good)
        {
            Assert.Equal(address, store.LoadMembership()!.Device.Ip);
        }
        else
        {
            Assert.Contains("mesh.json", Assert.Throws<PeerStoreException>(store.LoadMembership).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Leaving_is_remembered_until_there_is_a_membership_again_or_somebody_wants_one()
    {
        PeerStore store = new(_directory, TimeProvider.System);
        Assert.False(store.Clear());
        Assert.False(store.HasLeft);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 root = new CertificateRequest("CN=root", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
        MapFull map = NetworkMapTests.Full(NetworkMapTests.Device("a", 1));
        PeerMembership member = new() { Server = "hub:8443", MeshRoot = root.RawData, Mesh = map.Mesh, Device = map.Devices[0] };
        store.SaveMembership(member);
        Assert.True(store.Clear());
        // The end of a peer clears again.
        Assert.False(store.Clear());
        Assert.True(store.HasLeft);
        store.SaveMembership(member);
        Assert.False(store.HasLeft);
        Assert.True(store.Clear());
        PeerStore.ForgetLeaving(_directory);
        Assert.False(store.HasLeft);
        PeerStore.ForgetLeaving(Path.Combine(_directory, "missing"));
    }

    [Fact]
    public void A_pin_without_a_key_is_damage()
    {
        File.WriteAllText(Path.Combine(_directory, "pins.json"), """{"a":null}""");
        Assert.Throws<PeerStoreException>(() => new PeerStore(_directory, TimeProvider.System).LoadPins());
    }

    [Theory]
    [InlineData(1_700_000_000_000, true)]
    [InlineData(long.MinValue, false)]
    [InlineData(long.MaxValue, false)]
    public void A_map_that_was_confirmed_at_no_time_is_damage(long milliseconds, bool good)
    {
        PeerStore store = new(_directory, TimeProvider.System);
        store.SaveMap(new CachedMap { ConfirmedUnixMs = milliseconds, Map = NetworkMapTests.Full(NetworkMapTests.Device("a", 1)) });
        Exception? refused = Record.Exception(() => store.LoadMap());
        Assert.Equal(good, refused is null);
        Assert.True(refused is null or PeerStoreException);
    }

    [Theory]
    [InlineData("400000000000000a00000000", true)]
    [InlineData("400000006b49d20a3b9aca00", false)]
    [InlineData("4000000000000009000f4240", false)]
    [InlineData("400000020000000a00000000", false)]
    [InlineData("7fffffffffffffffffffffff", false)]
    public void A_label_of_no_clock_is_damage(string label, bool good)
    {
        PeerStore store = new(_directory, TimeProvider.System);
        File.WriteAllBytes(Path.Combine(_directory, "tai64n"), Convert.FromHexString(label));
        Exception? refused = Record.Exception(() => store.LoadLastTimestamp());
        Assert.Equal(good, refused is null);
        Assert.True(refused is null or PeerStoreException);
    }
}
