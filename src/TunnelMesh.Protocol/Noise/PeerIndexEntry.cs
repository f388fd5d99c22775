namespace TunnelMesh.Protocol.Noise;

/// <summary>What a receiver index of ours stands for: a session, or without keys a handshake in progress.</summary>
internal sealed record PeerIndexEntry(WireGuardPeer Peer, TransportKeypair? Keypair);
