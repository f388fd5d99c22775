using System.Net;
using System.Net.WebSockets;
using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Api;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Coordinator.Relay;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Addressing;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Coordinator.Rendezvous;

/// <summary>The coordinator's side of a control stream, after its certificate has been accepted. Thread-safe.</summary>
internal sealed class ControlHandler(ICoordinatorState state, MeshRegistry registry, MapPublisher publisher, ControlSessions sessions, RelayServer relay,
    EndpointRules endpoints, RefusalLog refusals, TimeProvider time, ILogger log)
{
    /// <summary>What a request for the map costs beside other messages, as it may bring the whole map.</summary>
    private const double MapRequestPrice = 10;

    private const int MaxInstanceLength = 64, BudgetRetrySeconds = 30;
    private static readonly TimeSpan HelloTime = TimeSpan.FromSeconds(10), GoodbyeTime = TimeSpan.FromSeconds(2);
    private long _heartbeats;

    /// <summary>Messages that devices have sent over their streams after the hello.</summary>
    internal long Heartbeats => Interlocked.Read(ref _heartbeats);

    /// <summary>Serves one stream until it ends. The socket stays the caller's.</summary>
    /// <param name="socket">Accepted.</param>
    /// <param name="deviceId">From the client certificate.</param>
    /// <param name="address">Where the stream comes from.</param>
    /// <param name="accepted">Called once it is the device's stream.</param>
    /// <param name="cancel">Ends the stream.</param>
    internal async Task HandleAsync(WebSocket socket, string deviceId, IPAddress address, Action accepted, CancellationToken cancel)
    {
        PeerMessageReader reader = new(socket);
        if (registry.Map.Find(deviceId) is not { } device)
        {
            await RefuseAsync(socket, address, await WhyUnknownAsync(deviceId, cancel).ConfigureAwait(false), cancel).ConfigureAwait(false);
            return;
        }
        ControlHello? hello;
        using (CancellationTokenSource soon = CancellationTokenSource.CreateLinkedTokenSource(cancel))
        {
            soon.CancelAfter(HelloTime);
            hello = (await reader.ReadAsync(soon.Token).ConfigureAwait(false)).Message as ControlHello;
        }
        if (hello is null || hello.Instance.Length > MaxInstanceLength)
        {
            await RefuseAsync(socket, address, Error(ControlErrorCodes.BadMessage, "The first message is not a sound hello. Run the same version on both sides."), cancel).ConfigureAwait(false);
            return;
        }
        if (ProtocolVersions.Refusal(hello.OldestVersion, hello.Version) is { } refusal)
        {
            await RefuseAsync(socket, address, refusal, cancel).ConfigureAwait(false);
            return;
        }
        string instance = hello.Instance.Length > 0 ? hello.Instance : address.ToString();
        ControlSession session = new(socket, publisher, deviceId, instance, address, Held(hello.MapEpoch, hello.MapNumber), time, log);
        switch (sessions.Enter(session, endpoints.From(hello, address)))
        {
            case ControlSessions.Entry.Unknown:
                await RefuseAsync(socket, address, await WhyUnknownAsync(deviceId, cancel).ConfigureAwait(false), cancel).ConfigureAwait(false);
                return;
            case ControlSessions.Entry.InUse:
                await RefuseAsync(socket, address, ControlSessions.InUseError(device.Name), cancel).ConfigureAwait(false);
                return;
            default:
                break;
        }
        try
        {
            accepted();
            await TakeAliasesAsync(deviceId, hello.Aliases, cancel).ConfigureAwait(false);
            session.Wake();
            using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancel, session.Reading);
            await ListenAsync(session, reader, over.Token).ConfigureAwait(false);
        }
        finally
        {
            sessions.Leave(session);
            await session.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task ListenAsync(ControlSession session, PeerMessageReader reader, CancellationToken cancel)
    {
        MessageBudget budget = new(time);
        bool ending = false;
        while (true)
        {
            PeerMessage next = await reader.ReadAsync(cancel).ConfigureAwait(false);
            if (next.Kind is PeerMessageKind.Closed)
            {
                return;
            }
            if (ending)
            {
                // The farewell is on its way; what still comes in does not matter.
                continue;
            }
            ErrorMessage? error = !budget.TryTake(next.Message is MapRequest ? MapRequestPrice : 1)
                ? Error(ControlErrorCodes.RateLimited, "This device sends more messages than a coordinator takes. Look at its log.") with { RetryAfterSeconds = BudgetRetrySeconds }
                : next.Kind switch
                {
                    PeerMessageKind.Message => null,
                    PeerMessageKind.UnknownType => Error(ControlErrorCodes.UnknownType, "This coordinator does not know the message type. Update the coordinator."),
                    PeerMessageKind.TooLarge => Error(ControlErrorCodes.BadMessage, $"A message is larger than {ControlProtocol.MaxPeerMessageBytes} bytes."),
                    _ => Error(ControlErrorCodes.BadMessage, "A message is damaged. Run the same version on both sides."),
                };
            error ??= await ServeAsync(session, next.Message).ConfigureAwait(false);
            if (error is { Code: ControlErrorCodes.UnknownType })
            {
                CoordinatorLog.UnknownMessage(log, session.DeviceId);
                session.Tell(error);
            }
            else if (error is not null)
            {
                CoordinatorLog.StreamEnded(log, session.DeviceId, error.Code, error.Message);
                session.End(error);
                ending = true;
            }
        }
    }

    // The peer sees in its map what it was given, and who has the rest.
    private async Task TakeAliasesAsync(string deviceId, IReadOnlyList<string>? aliases, CancellationToken cancel)
    {
        if (aliases is null)
        {
            return;
        }
        string[] wanted = [.. aliases.Where(a => MeshName.IsValid(a) && !MeshName.IsReserved(a)).Distinct().Take(MeshName.MaxAliases)];
        if (registry.Map.Find(deviceId) is { } device && device.Aliases.Order(StringComparer.Ordinal).SequenceEqual(wanted.Order(StringComparer.Ordinal)))
        {
            return;
        }
        try
        {
            RegistrationResult? result = await registry.SetAliasesAsync(deviceId, wanted, cancel).ConfigureAwait(false);
            if (result is { Device: { } row } && wanted.Except(row.Aliases).ToArray() is { Length: > 0 } taken)
            {
                string list = string.Join(", ", taken);
                CoordinatorLog.AliasesTaken(log, row.Name, row.Id, list);
            }
        }
        catch (StorageFailedException e)
        {
            // Asked for again with the next stream.
            CoordinatorLog.StorageFailed(log, "aliases", e);
        }
    }

    private async Task<ErrorMessage?> ServeAsync(ControlSession session, object? message)
    {
        Interlocked.Increment(ref _heartbeats);
        switch (message)
        {
            case EndpointsUpdate update:
                sessions.Move(session, endpoints.From(update, session.Address));
                return null;
            case Meeting meeting:
                sessions.Introduce(session, meeting.Device, endpoints.From(meeting, session.DeviceId, session.Address));
                return null;
            case MapRequest request:
                session.Rewind(Held(request.Epoch, request.Number));
                return null;
            case SignOfLife:
                session.Tell(message);
                return null;
            case LeaveRequest:
                return await ForgetAsync(session).ConfigureAwait(false);
            case null:
                return null;
            default:
                return Error(ControlErrorCodes.BadMessage, "A message is out of order on a control stream.");
        }
    }

    private async Task<ErrorMessage?> ForgetAsync(ControlSession session)
    {
        string name = registry.Map.Find(session.DeviceId)?.Name ?? "";
        try
        {
            // Not to be cancelled by a peer that hangs up at once: it has asked to be forgotten.
            await registry.RemoveAsync(session.DeviceId, CancellationToken.None).ConfigureAwait(false);
        }
        catch (StorageFailedException e)
        {
            CoordinatorLog.StorageFailed(log, $"the leaving of {name}", e);
            return Error(ControlErrorCodes.StorageFailed, "The coordinator cannot store that this device leaves. Its disk may be full; see its log, then try again.");
        }
        CoordinatorLog.Left(log, name, session.DeviceId);
        sessions.Leave(session);
        relay.End([session.DeviceId], ControlErrorCodes.UnknownDevice);
        session.End(new LeaveAccepted(), WebSocketCloseStatus.NormalClosure, "left");
        return null;
    }

    private long Held(string epoch, long number) => epoch == registry.Map.Epoch ? number : -1;

    private async Task<ErrorMessage> WhyUnknownAsync(string deviceId, CancellationToken cancel)
    {
        try
        {
            return await state.IsRevokedAsync(deviceId, cancel).ConfigureAwait(false)
                ? MemberErrors.Revoked
                : Error(ControlErrorCodes.UnknownDevice, "This mesh does not know the device. Join it again with a token.");
        }
        catch (StorageFailedException e)
        {
            CoordinatorLog.StorageFailed(log, "a question about a device", e);
            return Error(ControlErrorCodes.StorageFailed, "The coordinator cannot read its state. See its log, then try again.");
        }
    }

    private async Task RefuseAsync(WebSocket socket, IPAddress address, ErrorMessage error, CancellationToken cancel)
    {
        refusals.Stream(address, error.Message);
        using CancellationTokenSource soon = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        soon.CancelAfter(GoodbyeTime);
        await socket.SendAsync(ControlCodec.Encode(error), WebSocketMessageType.Text, endOfMessage: true, soon.Token).ConfigureAwait(false);
        await socket.CloseOutputAsync(WebSocketCloseStatus.PolicyViolation, error.Code, soon.Token).ConfigureAwait(false);
        // Closing with unread bytes would reset the connection, and the peer might never see why.
        byte[] rest = new byte[256];
        while (socket.State is WebSocketState.CloseSent)
        {
            await socket.ReceiveAsync(rest.AsMemory(), soon.Token).ConfigureAwait(false);
        }
    }

    private static ErrorMessage Error(string code, string message) => new() { Code = code, Message = message };
}
