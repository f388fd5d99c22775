using System.Text.Json.Serialization;

namespace TunnelMesh.Platform.Exit;

/// <summary>Source-generated JSON of the journal.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ExitEntry))]
internal sealed partial class ExitJson : JsonSerializerContext;
