using System.Text.Json.Serialization;

namespace TunnelMesh.Cli.Contexts;

/// <summary>Source-generated JSON of the contexts: snake_case; nulls are written, so that every name is always there.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ContextReport))]
[JsonSerializable(typeof(IReadOnlyList<ContextReport>))]
internal sealed partial class ContextJson : JsonSerializerContext;
