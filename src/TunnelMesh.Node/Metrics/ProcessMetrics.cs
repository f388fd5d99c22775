namespace TunnelMesh.Node.Metrics;

/// <summary>The process, under the names that Prometheus' own libraries give.</summary>
/// <param name="StartUnixSeconds">When it started.</param>
/// <param name="CpuSeconds">Processor time, user and system.</param>
/// <param name="ResidentBytes">Resident memory.</param>
public sealed record ProcessMetrics(double StartUnixSeconds, double CpuSeconds, long ResidentBytes);
