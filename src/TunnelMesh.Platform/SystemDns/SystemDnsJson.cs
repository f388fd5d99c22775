using System.Text.Json.Serialization;

namespace TunnelMesh.Platform.SystemDns;

/// <summary>Source-generated JSON of the journal.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SystemDnsEntry))]
internal sealed partial class SystemDnsJson : JsonSerializerContext;
