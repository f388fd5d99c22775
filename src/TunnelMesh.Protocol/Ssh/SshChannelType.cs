namespace TunnelMesh.Protocol.Ssh;

/// <summary>Types of channels (RFC 4250 section 4.9.1); names with an @ are the user's of the domain behind it.</summary>
public static class SshChannelType
{
    /// <summary>
    /// Ours: datagrams, as <see cref="DatagramFrames"/> puts them. Behind the maximum packet size the opening names the device wanted, a string of
    /// 32 hexadecimal characters. Every message of data holds whole frames.
    /// </summary>
    public const string Datagrams = "datagrams@tunnelmesh";

    /// <summary>A login session (RFC 4254 section 6.1).</summary>
    public const string Session = "session";
}
