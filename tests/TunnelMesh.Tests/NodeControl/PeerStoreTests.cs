using System.Security.Cryptography;
using TunnelMesh.Node.Control;
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
}
