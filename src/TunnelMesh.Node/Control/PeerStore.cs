using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using TunnelMesh.Platform.Files;
using TunnelMesh.Protocol.Identity;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Node.Control;

/// <summary>
/// The state of one context on disk: <c>device.key</c>, <c>certificate.pem</c> (key and chain together, so that they always match),
/// <c>mesh.json</c>, <c>ca.pem</c> (the mesh root, for other programs: it is not read here), <c>map.json.gz</c>, <c>pins.json</c>, <c>tai64n</c>; <c>left</c> after leaving. The directory is 0700, every file 0600. Every write is whole or
/// not at all: a temporary file, fsync, rename. A damaged file is kept aside as NAME.damaged-TIME and never overwritten.
/// Thread-safe for different files; one writer a file.
/// </summary>
public sealed class PeerStore
{
    /// <summary>The file that is there from leaving until the next membership: services do not join by themselves meanwhile.</summary>
    public const string LeftFile = "left";

    private static readonly Tai64n FirstLabel = Tai64n.From(DateTimeOffset.UnixEpoch), LastLabel = Tai64n.From(DateTimeOffset.UnixEpoch.AddYears(230));
    private readonly string _directory;
    private readonly TimeProvider _clock;

    /// <summary>Opens, making the directory when it is missing.</summary>
    /// <param name="directory">The context's directory below TUNNELMESH_HOME.</param>
    /// <param name="clock">Names files kept aside.</param>
    /// <exception cref="IOException">The directory cannot be made.</exception>
    public PeerStore(string directory, TimeProvider clock)
    {
        _directory = directory;
        _clock = clock;
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
        }
        else
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>The device key, or null if there is none yet.</summary>
    /// <exception cref="PeerStoreException">Damaged.</exception>
    public DeviceKey? LoadDeviceKey() => Load("device.key",
        bytes => DeviceKey.FromPrivate(Convert.FromBase64String(Encoding.ASCII.GetString(bytes).Trim())),
        "This device loses its address unless you restore the key from a copy. Run the command again to go on with a new key.");

    /// <summary>Keeps the device key.</summary>
    public void SaveDeviceKey(DeviceKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        Save("device.key", Encoding.ASCII.GetBytes(Convert.ToBase64String(key.Private) + "\n"));
    }

    /// <summary>The client certificate with its key, or null.</summary>
    /// <exception cref="PeerStoreException">Damaged; a new one can be had by renewal.</exception>
    public PeerCertificate? LoadCertificate() => Load("certificate.pem", ReadCertificate, "It is renewed by the device's keys.");

    /// <summary>Keeps the client certificate and its key in one file.</summary>
    public void SaveCertificate(PeerCertificate certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        StringBuilder pem = new();
        pem.Append(PemEncoding.Write("PRIVATE KEY", certificate.TlsKey)).Append('\n');
        foreach (byte[] der in certificate.Chain)
        {
            pem.Append(PemEncoding.Write("CERTIFICATE", der)).Append('\n');
        }
        Save("certificate.pem", Encoding.ASCII.GetBytes(pem.ToString()));
    }

    /// <summary>The membership, or null if this context never joined.</summary>
    /// <exception cref="PeerStoreException">Damaged.</exception>
    public PeerMembership? LoadMembership() => Load("mesh.json", ReadMembership, "Restore it from a copy, or join again with the token.");

    /// <summary>The membership in a context's directory, or null; for whoever only looks: nothing is made or kept aside.</summary>
    /// <param name="directory">The context's directory below TUNNELMESH_HOME.</param>
    /// <exception cref="PeerStoreException">Damaged.</exception>
    public static PeerMembership? PeekMembership(string directory)
    {
        string path = Path.Combine(directory, "mesh.json");
        try
        {
            return ReadMembership(File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException e) when (Directory.Exists(path))
        {
            throw new PeerStoreException($"{path} is a directory, where a file of the peer belongs.", e);
        }
        catch (Exception e) when (IsDamage(e))
        {
            throw new PeerStoreException($"The file {path} is damaged.", e);
        }
    }

    /// <summary>Keeps the membership, the pinned root with it. What is on disk already is not written again, which a full disk would refuse.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not write it.</exception>
    public void SaveMembership(PeerMembership membership)
    {
        ArgumentNullException.ThrowIfNull(membership);
        ForgetLeaving(_directory);
        SaveChanged("ca.pem", Encoding.ASCII.GetBytes(PemEncoding.WriteString("CERTIFICATE", membership.MeshRoot) + "\n"));
        SaveChanged("mesh.json", JsonSerializer.SerializeToUtf8Bytes(membership, PeerStoreJson.Default.PeerMembership));
    }

    /// <summary>The cached map, or null.</summary>
    /// <exception cref="PeerStoreException">Damaged; the next connection brings a new one.</exception>
    public CachedMap? LoadMap() => Load("map.json.gz", ReadMap, "The coordinator sends a new one on the next connection.");

    /// <summary>Keeps a map.</summary>
    public void SaveMap(CachedMap map)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            JsonSerializer.Serialize(gzip, map, PeerStoreJson.Default.CachedMap);
        }
        Save("map.json.gz", packed.ToArray());
    }

    /// <summary>The pinned names, empty at first.</summary>
    /// <exception cref="PeerStoreException">Damaged.</exception>
    public IReadOnlyDictionary<string, string> LoadPins() =>
        Load("pins.json", ReadPins, "Names are pinned anew on the next connection; compare keys if that worries you.") ?? [];

    /// <summary>Keeps the pinned names.</summary>
    public void SavePins(IReadOnlyDictionary<string, string> pins) =>
        Save("pins.json", JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string>(pins), PeerStoreJson.Default.DictionaryStringString));

    /// <summary>The last TAI64N timestamp sent, 12 bytes, or null.</summary>
    /// <exception cref="PeerStoreException">Damaged.</exception>
    public byte[]? LoadLastTimestamp() => Load("tai64n",
        ReadTimestamp,
        "The clock is used instead; if it was set back, other devices answer again once it has passed the old time.");

    /// <summary>Keeps the last TAI64N timestamp sent, 12 bytes.</summary>
    public void SaveLastTimestamp(ReadOnlySpan<byte> tai64n)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(tai64n.Length, 12);
        Save("tai64n", tai64n.ToArray());
    }

    /// <summary>True after leaving, until there is a membership again.</summary>
    public bool HasLeft => File.Exists(Path.Combine(_directory, LeftFile));

    /// <summary>Somebody wants to join again.</summary>
    /// <param name="directory">The context's directory; it need not exist.</param>
    public static void ForgetLeaving(string directory)
    {
        if (Directory.Exists(directory))
        {
            File.Delete(Path.Combine(directory, LeftFile));
        }
    }

    /// <summary>Forgets the mesh after leaving: everything but damaged files kept aside.</summary>
    /// <returns>True when there was a membership.</returns>
    public bool Clear()
    {
        bool member = File.Exists(Path.Combine(_directory, "mesh.json"));
        if (member)
        {
            // First, so that nothing joins again in between.
            Save(LeftFile, "This device has left its mesh. While this file is here services of this context do not join by themselves; `tunnelmesh join` removes it.\n"u8);
        }
        foreach (string name in new[] { "certificate.pem", "map.json.gz", "pins.json", "mesh.json", "ca.pem", "device.key", "tai64n" })
        {
            File.Delete(Path.Combine(_directory, name));
        }
        return member;
    }

    // A label of no clock would make every later handshake fail, or hold this device's labels there for good.
    private static byte[] ReadTimestamp(byte[] bytes) =>
        bytes.Length == Tai64n.Size && Tai64n.Read(bytes) is { Nanoseconds: < 1_000_000_000 } label && label >= FirstLabel && label < LastLabel
            ? bytes
            : throw new InvalidDataException("not a TAI64N timestamp of our time");

    private static PeerMembership ReadMembership(byte[] bytes)
    {
        PeerMembership membership = Json(bytes, PeerStoreJson.Default.PeerMembership);
        using X509Certificate2 root = X509CertificateLoader.LoadCertificate(membership.MeshRoot);
        return membership.Mesh.TryGetRanges(out IPNetwork range4, out IPNetwork range6) &&
            IPAddress.TryParse(membership.Device.Ip, out IPAddress? ip) && range4.Contains(ip) && IPAddress.TryParse(membership.Device.Ip6, out IPAddress? ip6) && range6.Contains(ip6)
            ? membership
            : throw new InvalidDataException("no sound ranges and addresses");
    }

    private static Dictionary<string, string> ReadPins(byte[] bytes)
    {
        Dictionary<string, string> pins = Json(bytes, PeerStoreJson.Default.DictionaryStringString);
        return pins.Values.Any(v => v is null) ? throw new InvalidDataException("a name without a key") : pins;
    }

    private static PeerCertificate ReadCertificate(byte[] bytes)
    {
        byte[]? key = null;
        List<byte[]> chain = [];
        ReadOnlySpan<char> text = Encoding.ASCII.GetString(bytes);
        while (PemEncoding.TryFind(text, out PemFields fields))
        {
            byte[] der = Convert.FromBase64String(text[fields.Base64Data].ToString());
            if (text[fields.Label].SequenceEqual("PRIVATE KEY"))
            {
                key = der;
            }
            else
            {
                chain.Add(der);
            }
            text = text[fields.Location.End..];
        }
        return PeerCertificate.Create(chain, key ?? throw new InvalidDataException("no key"));
    }

    private static CachedMap ReadMap(byte[] bytes)
    {
        using GZipStream gzip = new(new MemoryStream(bytes, writable: false), CompressionMode.Decompress);
        CachedMap map = JsonSerializer.Deserialize(gzip, PeerStoreJson.Default.CachedMap) ?? throw new InvalidDataException("empty");
        return map.ConfirmedUnixMs >= 0 && map.ConfirmedUnixMs <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds() ? map : throw new InvalidDataException("confirmed at no time");
    }

    private static bool IsDamage(Exception e) => e is FormatException or ArgumentException or InvalidDataException or JsonException or CryptographicException;

    private static T Json<T>(byte[] bytes, JsonTypeInfo<T> info) where T : class =>
        JsonSerializer.Deserialize(bytes, info) ?? throw new InvalidDataException("empty");

    private T? Load<T>(string name, Func<byte[], T> read, string advice) where T : class
    {
        string path = Path.Combine(_directory, name);
        byte[] bytes;
        try
        {
            bytes = File.ReadAllBytes(path);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException e) when (Directory.Exists(path))
        {
            throw new PeerStoreException($"{path} is a directory, where a file of this peer belongs. Move it away. {advice}", e);
        }
        try
        {
            return read(bytes);
        }
        catch (Exception e) when (IsDamage(e))
        {
            string aside = KeepAside(path);
            throw new PeerStoreException($"The file {path} is damaged and has been kept as {aside}. {advice}", e) { KeptAs = aside };
        }
    }

    private string KeepAside(string path)
    {
        string stem = $"{path}.damaged-{_clock.GetUtcNow().ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture)}";
        string aside = stem;
        for (int i = 2; File.Exists(aside); i++)
        {
            aside = string.Create(CultureInfo.InvariantCulture, $"{stem}-{i}");
        }
        File.Move(path, aside);
        return aside;
    }

    private void SaveChanged(string name, byte[] bytes)
    {
        if (!Holds(Path.Combine(_directory, name), bytes))
        {
            Save(name, bytes);
        }
    }

    private static bool Holds(string path, byte[] bytes)
    {
        try
        {
            return File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private void Save(string name, ReadOnlySpan<byte> bytes) => PrivateFile.Replace(Path.Combine(_directory, name), bytes);
}

/// <summary>Source-generated JSON of the peer's files.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PeerMembership))]
[JsonSerializable(typeof(CachedMap))]
[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class PeerStoreJson : JsonSerializerContext;
