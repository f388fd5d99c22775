using System.Text.Json.Serialization;

namespace TunnelMesh.Platform.Guard;

/// <summary>Source-generated JSON of the journal.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(GuardEntry))]
internal sealed partial class GuardJson : JsonSerializerContext;
