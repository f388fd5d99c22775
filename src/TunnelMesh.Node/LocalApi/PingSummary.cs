namespace TunnelMesh.Node.LocalApi;

/// <summary>All pings of one command together. The JSON names are stable.</summary>
public sealed record PingSummary
{
    /// <summary>Always <c>summary</c>.</summary>
    public string Kind { get; init; } = "summary";
    /// <summary>Device name; null when not one ping came to an end.</summary>
    public string? Name { get; init; }
    /// <summary>Mesh IPv4 address.</summary>
    public string? MeshIp { get; init; }
    /// <summary>Device ID, 32 hex digits.</summary>
    public string? DeviceId { get; init; }
    /// <summary>Pings sent; one that was given up before its time does not count.</summary>
    public required int Sent { get; init; }
    /// <summary>Answers that came in time.</summary>
    public required int Answered { get; init; }
    /// <summary>Share of pings without an answer, 0 to 1.</summary>
    public required double Loss { get; init; }
    /// <summary>Shortest round trip in milliseconds; null without any answer.</summary>
    public double? MinMs { get; init; }
    /// <summary>Mean round trip in milliseconds.</summary>
    public double? AvgMs { get; init; }
    /// <summary>Longest round trip in milliseconds.</summary>
    public double? MaxMs { get; init; }
    /// <summary>Path of the last ping.</summary>
    public required string Path { get; init; }
    /// <summary>Endpoint of the last ping; null for a path other than UDP.</summary>
    public string? Endpoint { get; init; }
    /// <summary>Changes of the path while pings were sent.</summary>
    public required long PathChanges { get; init; }
    /// <summary>True when the last ping was answered over UDP.</summary>
    public required bool Direct { get; init; }
}
