using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace TunnelMesh.Protocol.Control;

/// <summary>Bytes to messages and back. Pure and thread-safe; bad bytes give null, never an exception.</summary>
public static class ControlCodec
{
    private static readonly Dictionary<string, JsonTypeInfo> ByName = new()
    {
        [JoinHello.TypeName] = ControlJson.Default.JoinHello,
        [JoinChallenge.TypeName] = ControlJson.Default.JoinChallenge,
        [JoinProof.TypeName] = ControlJson.Default.JoinProof,
        [JoinAccepted.TypeName] = ControlJson.Default.JoinAccepted,
        [ControlHello.TypeName] = ControlJson.Default.ControlHello,
        [EndpointsUpdate.TypeName] = ControlJson.Default.EndpointsUpdate,
        [Meeting.TypeName] = ControlJson.Default.Meeting,
        [MapFull.TypeName] = ControlJson.Default.MapFull,
        [MapDelta.TypeName] = ControlJson.Default.MapDelta,
        [MapRequest.TypeName] = ControlJson.Default.MapRequest,
        [LeaveRequest.TypeName] = ControlJson.Default.LeaveRequest,
        [LeaveAccepted.TypeName] = ControlJson.Default.LeaveAccepted,
        [SignOfLife.TypeName] = ControlJson.Default.SignOfLife,
        [ErrorMessage.TypeName] = ControlJson.Default.ErrorMessage,
    };

    private static readonly Dictionary<Type, (byte[] Prefix, JsonTypeInfo Info)> ByType =
        ByName.ToDictionary(p => p.Value.Type, p => (Encoding.UTF8.GetBytes($"{{\"type\":\"{p.Key}\""), p.Value));

    /// <summary>UTF-8 JSON of a message, its <c>type</c> first. The caller owns the array.</summary>
    /// <exception cref="ArgumentException">The object is not a message of this protocol.</exception>
    public static byte[] Encode(object message)
    {
        ArgumentNullException.ThrowIfNull(message);
        if (!ByType.TryGetValue(message.GetType(), out (byte[] Prefix, JsonTypeInfo Info) entry))
        {
            throw new ArgumentException($"{message.GetType().Name} is not a control message", nameof(message));
        }
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(message, entry.Info);
        bool empty = body.Length == 2;
        byte[] whole = new byte[entry.Prefix.Length + (empty ? 1 : body.Length)];
        entry.Prefix.CopyTo(whole, 0);
        if (empty)
        {
            whole[^1] = (byte)'}';
        }
        else
        {
            whole[entry.Prefix.Length] = (byte)',';
            body.AsSpan(1).CopyTo(whole.AsSpan(entry.Prefix.Length + 1));
        }
        return whole;
    }

    /// <summary>An encoded message gzipped (RFC 1952): the body of a binary WebSocket message. The caller owns the array.</summary>
    /// <param name="json">From <see cref="Encode"/>.</param>
    public static byte[] Pack(ReadOnlySpan<byte> json)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(json);
        }
        return packed.ToArray();
    }

    /// <summary>The message in a binary WebSocket message, or null when it is damaged, of an unknown type or too large.</summary>
    /// <param name="packed">Gzipped JSON.</param>
    /// <param name="maxBytes">Largest size after decompression; a larger message is not unpacked further.</param>
    public static object? DecodePacked(ReadOnlyMemory<byte> packed, int maxBytes)
    {
        try
        {
            using GZipStream gzip = new(new MemoryStream(packed.ToArray(), writable: false), CompressionMode.Decompress);
            using MemoryStream plain = new();
            byte[] part = new byte[16 * 1024];
            for (int n; (n = gzip.Read(part)) > 0;)
            {
                if (plain.Length + n > maxBytes)
                {
                    return null;
                }
                plain.Write(part, 0, n);
            }
            return Decode(plain.GetBuffer().AsSpan(0, (int)plain.Length), out _);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>The message in <paramref name="json"/>, or null when it is damaged or of an unknown type.</summary>
    /// <param name="json">UTF-8 JSON, one object.</param>
    /// <param name="type">The value of <c>type</c>, or null when there is none: tells an unknown type from damage.</param>
    public static object? Decode(ReadOnlySpan<byte> json, out string? type)
    {
        type = null;
        try
        {
            type = ReadType(json);
            return type is not null && ByName.TryGetValue(type, out JsonTypeInfo? info)
                ? JsonSerializer.Deserialize(json, info)
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    /// <summary>True when <paramref name="type"/> names a message of this protocol.</summary>
    public static bool IsKnownType(string type) => ByName.ContainsKey(type);

    private static string? ReadType(ReadOnlySpan<byte> json)
    {
        Utf8JsonReader reader = new(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return null;
        }
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isType = reader.ValueTextEquals("type"u8);
            reader.Read();
            if (isType)
            {
                return reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
            }
            reader.Skip();
        }
        return null;
    }
}

/// <summary>Source-generated JSON of the control protocol: snake_case names, null fields left out.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(JoinHello))]
[JsonSerializable(typeof(JoinChallenge))]
[JsonSerializable(typeof(JoinProof))]
[JsonSerializable(typeof(JoinAccepted))]
[JsonSerializable(typeof(ControlHello))]
[JsonSerializable(typeof(EndpointsUpdate))]
[JsonSerializable(typeof(Meeting))]
[JsonSerializable(typeof(MapFull))]
[JsonSerializable(typeof(MapDelta))]
[JsonSerializable(typeof(MapRequest))]
[JsonSerializable(typeof(LeaveRequest))]
[JsonSerializable(typeof(LeaveAccepted))]
[JsonSerializable(typeof(SignOfLife))]
[JsonSerializable(typeof(ErrorMessage))]
[JsonSerializable(typeof(VersionDocument))]
public sealed partial class ControlJson : JsonSerializerContext;
