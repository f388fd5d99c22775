using TunnelMesh.Node.Control;

namespace TunnelMesh.Node.Transports.Relay;

/// <summary>What a relay transport needs. Callbacks come on its own tasks and must not block.</summary>
public sealed record RelayTransportOptions
{
    /// <summary>The coordinator to dial first, and how.</summary>
    public required JoinRequest Request { get; init; }
    /// <summary>The pinned mesh root, DER.</summary>
    public required byte[] MeshRoot { get; init; }
    /// <summary>The certificate to show, asked at each attempt (<see cref="ControlStream.Certificate"/>): the control stream renews it. Null while there is none.</summary>
    public required Func<PeerCertificate?> Certificate { get; init; }
    /// <summary>Every address under which a coordinator may be (<see cref="ControlStream.Addresses"/>).</summary>
    public required Func<IEnumerable<CoordinatorAddress>> Addresses { get; init; }
    /// <summary>Where datagrams go.</summary>
    public required ICarrierSink Sink { get; init; }
    /// <summary>Told of each change of state, or null.</summary>
    public Action<RelayState>? OnState { get; init; }
    /// <summary>Memory of the messages that wait to be sent, in bytes; the oldest are dropped beyond it.</summary>
    public int QueueBytes { get; init; } = 1 << 20;
    /// <summary>How long the stream may go without a proof that it carries, before it is asked for one.</summary>
    public TimeSpan AskAfter { get; init; } = TimeSpan.FromSeconds(8);
    /// <summary>How long an answer may take, when nothing else comes either.</summary>
    public TimeSpan AnswerTime { get; init; } = TimeSpan.FromSeconds(5);
    /// <summary>How long a device that has no stream of its own counts as closed, unless the coordinator says earlier that it has come.</summary>
    public TimeSpan NotHereTime { get; init; } = TimeSpan.FromSeconds(5);
}
