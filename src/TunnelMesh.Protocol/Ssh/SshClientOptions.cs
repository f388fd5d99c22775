namespace TunnelMesh.Protocol.Ssh;

/// <summary>What a client needs.</summary>
public sealed record SshClientOptions : SshOptions
{
    /// <summary>The only host key that is accepted: the peer's identity key, raw, 32 bytes.</summary>
    public required byte[] HostKey { get; init; }

    /// <summary>To log in as: our device ID, or a name another server knows.</summary>
    public required string UserName { get; init; }

    /// <summary>Type of the channel opened after logging in.</summary>
    public string ChannelType { get; init; } = SshChannelType.Datagrams;

    /// <summary>The device wanted, as 32 hexadecimal characters, for <see cref="SshChannelType.Datagrams"/>; else empty.</summary>
    public string ChannelTarget { get; init; } = "";
}
