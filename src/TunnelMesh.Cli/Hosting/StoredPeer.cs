using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Cli.Hosting;

/// <summary>What a context has on disk when its peer starts.</summary>
internal sealed record StoredPeer
{
    /// <summary>The device key, made and kept now if there was none.</summary>
    public required DeviceKey Device { get; init; }
    /// <summary>The membership, or null.</summary>
    public PeerMembership? Membership { get; init; }
    /// <summary>The client certificate, or null: it is renewed.</summary>
    public PeerCertificate? Certificate { get; init; }
    /// <summary>The cached map, or null.</summary>
    public CachedMap? Map { get; init; }
    /// <summary>Pinned names.</summary>
    public required IReadOnlyDictionary<string, string> Pins { get; init; }
    /// <summary>The last TAI64N sent, or null.</summary>
    public byte[]? Timestamp { get; init; }

    /// <summary>True when the membership belongs to the device key.</summary>
    public bool IsMember => Membership is { } m && m.Device.DeviceKey.AsSpan().SequenceEqual(Device.Public);

    /// <summary>
    /// Loads everything. A damaged device key or membership ends the start; a damaged cache, certificate, list of pins or timestamp is
    /// told and done without, since each can be had again.
    /// </summary>
    /// <exception cref="PeerStoreException">Device key or membership is damaged; the file was kept aside.</exception>
    public static StoredPeer Load(PeerStore store, ILogger log)
    {
        DeviceKey? device = store.LoadDeviceKey();
        PeerMembership? membership = store.LoadMembership();
        if (device is null)
        {
            device = DeviceKey.Generate(RandomNumberGenerator.Fill);
            store.SaveDeviceKey(device);
        }
        return new StoredPeer
        {
            Device = device,
            Membership = membership,
            Certificate = Optional(store.LoadCertificate, log),
            Map = Optional(store.LoadMap, log),
            Pins = Optional(store.LoadPins, log) ?? new Dictionary<string, string>(),
            Timestamp = Optional(store.LoadLastTimestamp, log),
        };
    }

    private static T? Optional<T>(Func<T?> load, ILogger log) where T : class
    {
        try
        {
            return load();
        }
        catch (PeerStoreException e)
        {
            log.FileDamaged(e.Message);
            return null;
        }
    }
}
