using System.Text.Json.Serialization;

namespace TunnelMesh.Cli.BugReports;

/// <summary>Source-generated JSON of what `bugreport` has written: snake_case.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(BugReportSummary))]
internal sealed partial class BugReportJson : JsonSerializerContext;
