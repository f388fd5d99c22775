using System.Text.Json.Serialization;

namespace TunnelMesh.Node.LocalApi;

/// <summary>Source-generated JSON of the control socket: snake_case; nulls are written, so that every name is always there.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(LocalRequest))]
[JsonSerializable(typeof(LocalResponse))]
[JsonSerializable(typeof(StatusReport))]
[JsonSerializable(typeof(IReadOnlyList<PeerReport>))]
[JsonSerializable(typeof(ResolveReport))]
[JsonSerializable(typeof(PingReport))]
[JsonSerializable(typeof(PingSummary))]
[JsonSerializable(typeof(NetCheckReport))]
[JsonSerializable(typeof(IReadOnlyList<DiagnosisReport>))]
[JsonSerializable(typeof(RevokeReport))]
[JsonSerializable(typeof(IReadOnlyList<TokenReport>))]
[JsonSerializable(typeof(NewTokenReport))]
[JsonSerializable(typeof(TokenRevokeReport))]
[JsonSerializable(typeof(IReadOnlyList<TransportReport>))]
[JsonSerializable(typeof(IReadOnlyList<GroupReport>))]
[JsonSerializable(typeof(IReadOnlyList<GroupMemberReport>))]
[JsonSerializable(typeof(GroupChangeReport))]
[JsonSerializable(typeof(FilterReport))]
public sealed partial class LocalApiJson : JsonSerializerContext;
