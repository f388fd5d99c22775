namespace TunnelMesh.Protocol.Ssh;

/// <summary>One step of reading.</summary>
/// <param name="Event">What it brought.</param>
/// <param name="Consumed">Bytes that are done with.</param>
/// <param name="DataOffset">Where channel data begins in the bytes given, in clear now.</param>
/// <param name="DataLength">Its length.</param>
public readonly record struct SshStep(SshEvent Event, int Consumed, int DataOffset = 0, int DataLength = 0);
