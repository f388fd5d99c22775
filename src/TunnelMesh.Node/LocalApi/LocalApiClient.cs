using System.Net.Sockets;
using System.Text.Json;

namespace TunnelMesh.Node.LocalApi;

/// <summary>Asks a running peer through its control socket. One request at a time.</summary>
public sealed class LocalApiClient : IDisposable
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(20);
    private readonly Socket _socket;
    private readonly LineReader _reader;
    private readonly string _path;

    private LocalApiClient(Socket socket, string path)
    {
        (_socket, _path) = (socket, path);
        _reader = new LineReader(socket, LocalSocket.MaxResponseBytes);
    }

    /// <summary>Connects to the first of <paramref name="paths"/> at which a peer answers.</summary>
    /// <param name="paths">Candidate socket paths, best first.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="PeerNotRunningException">Nobody answers at any of them.</exception>
    /// <exception cref="LocalApiException">A socket is there, but this user may not use it.</exception>
    public static async Task<LocalApiClient> ConnectAsync(IReadOnlyList<string> paths, CancellationToken cancellation)
    {
        string? denied = null;
        foreach (string path in paths)
        {
            LocalSocket.CheckPath(path);
            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation).ConfigureAwait(false);
                return new LocalApiClient(socket, path);
            }
            catch (SocketException e)
            {
                socket.Dispose();
                denied ??= e.SocketErrorCode == SocketError.AccessDenied ? path : null;
            }
            catch (OperationCanceledException)
            {
                socket.Dispose();
                throw;
            }
        }
        throw denied is not null
            ? new LocalApiException(LocalErrorCodes.Forbidden, $"You may not use the control socket {denied}. {WhoMay()}")
            : new PeerNotRunningException($"No peer is running here (nobody answers at {string.Join(" or ", paths)}). Start one with `tunnelmesh join`.");
    }

    /// <summary>State of the running peer.</summary>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public async Task<StatusReport> StatusAsync(CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.Status }, cancellation).ConfigureAwait(false)).Status ?? throw OtherVersion();

    /// <summary>The other devices.</summary>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public async Task<IReadOnlyList<PeerReport>> PeersAsync(CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.Peers }, cancellation).ConfigureAwait(false)).Peers ?? throw OtherVersion();

    /// <summary>Addresses of a name.</summary>
    /// <exception cref="LocalApiException">No device has it (<see cref="LocalErrorCodes.NotFound"/>), or the peer refused.</exception>
    public async Task<ResolveReport> ResolveAsync(string name, CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.Resolve, Name = name }, cancellation).ConfigureAwait(false)).Resolved ?? throw OtherVersion();

    /// <summary>One ping inside the session of a device.</summary>
    /// <param name="peer">Name, mesh address or device ID.</param>
    /// <param name="timeout">How long the answer is waited for; whole milliseconds.</param>
    /// <param name="cancellation">Ends the attempt; the client is of no use afterwards.</param>
    /// <exception cref="LocalApiException">No such device, or the peer refused.</exception>
    public async Task<PingReport> PingAsync(string peer, TimeSpan timeout, CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.Ping, Name = peer, TimeoutMs = (int)timeout.TotalMilliseconds }, cancellation).ConfigureAwait(false)).Ping ?? throw OtherVersion();

    /// <summary>How the network lets others reach the peer.</summary>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public async Task<NetCheckReport> CheckNetworkAsync(CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.NetCheck }, cancellation).ConfigureAwait(false)).NetCheck ?? throw OtherVersion();

    /// <summary>How devices are reached, and why not better.</summary>
    /// <param name="peer">Name, mesh address or device ID; null for every device with traffic.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">No such device, or the peer refused.</exception>
    public async Task<IReadOnlyList<DiagnosisReport>> DiagnoseAsync(string? peer, CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.Doctor, Name = peer }, cancellation).ConfigureAwait(false)).Diagnoses ?? throw OtherVersion();

    /// <summary>Leaves the mesh for good.</summary>
    /// <param name="force">Also when the coordinator cannot be told.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <returns>True when the coordinator agreed, false when only this machine has forgotten the mesh.</returns>
    /// <exception cref="LocalApiException">The peer refused or could not tell the coordinator.</exception>
    public async Task<bool> LeaveAsync(bool force, CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.Leave, Force = force }, cancellation).ConfigureAwait(false)).CoordinatorTold ?? throw OtherVersion();

    /// <summary>Revokes a device for good; this peer has to be a coordinator.</summary>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public async Task<RevokeReport> RevokeDeviceAsync(string deviceId, CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.Revoke, DeviceId = deviceId }, cancellation).ConfigureAwait(false)).Revoked ?? throw OtherVersion();

    /// <summary>Revokes a user with all devices; this peer has to be a coordinator.</summary>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public async Task<RevokeReport> RevokeUserAsync(string peerId, CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.Revoke, PeerId = peerId }, cancellation).ConfigureAwait(false)).Revoked ?? throw OtherVersion();

    /// <summary>The mesh tokens, without their text; this peer has to be a coordinator.</summary>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public async Task<IReadOnlyList<TokenReport>> TokensAsync(CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.Tokens }, cancellation).ConfigureAwait(false)).Tokens ?? throw OtherVersion();

    /// <summary>Makes a mesh token; this peer has to be a coordinator.</summary>
    /// <param name="life">How long it admits devices, to the second; null for ever.</param>
    /// <param name="uses">How many devices it admits; null for any number.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public async Task<NewTokenReport> CreateTokenAsync(TimeSpan? life, long? uses, CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.CreateToken, LifeSeconds = (long?)life?.TotalSeconds, Uses = uses }, cancellation).ConfigureAwait(false)).NewToken ?? throw OtherVersion();

    /// <summary>Revokes a mesh token for good; this peer has to be a coordinator.</summary>
    /// <param name="id">Number of the token.</param>
    /// <param name="withPeers">Whether the devices it has admitted are revoked, too.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public async Task<TokenRevokeReport> RevokeTokenAsync(long id, bool withPeers, CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.RevokeToken, TokenId = id, WithPeers = withPeers }, cancellation).ConfigureAwait(false)).RevokedToken ?? throw OtherVersion();

    /// <summary>The orders of transports that the mesh keeps, after a change of one if that is wanted; this peer has to be a coordinator.</summary>
    /// <param name="peer">Only those that concern this device, and the device to change: name, mesh address or device ID. Null for all.</param>
    /// <param name="with">The other device of the pair to change; null for an order towards all devices.</param>
    /// <param name="transports">The order to keep, empty to keep none any more; null to list only.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public async Task<IReadOnlyList<TransportReport>> TransportsAsync(string? peer, string? with, IReadOnlyList<string>? transports, CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.Transports, Name = peer, With = with, Transports = transports }, cancellation).ConfigureAwait(false)).Transports ?? throw OtherVersion();

    /// <summary>The groups of users; this peer has to be a coordinator.</summary>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public async Task<IReadOnlyList<GroupReport>> GroupsAsync(CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.Groups }, cancellation).ConfigureAwait(false)).Groups ?? throw OtherVersion();

    /// <summary>Who is in a group; this peer has to be a coordinator.</summary>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public async Task<IReadOnlyList<GroupMemberReport>> GroupMembersAsync(string group, CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.GroupMembers, Group = group }, cancellation).ConfigureAwait(false)).GroupMembers ?? throw OtherVersion();

    /// <summary>Changes a group; this peer has to be a coordinator.</summary>
    /// <param name="command"><see cref="LocalCommands.GroupCreate"/>, <see cref="LocalCommands.GroupDelete"/>, <see cref="LocalCommands.GroupAdd"/> or <see cref="LocalCommands.GroupRemove"/>.</param>
    /// <param name="group">Name of the group.</param>
    /// <param name="member">Peer ID of the user, or a device of the user: name, mesh address or device ID; null when the group itself is meant.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public async Task<GroupChangeReport> ChangeGroupAsync(string command, string group, string? member, CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = command, Group = group, Member = member }, cancellation).ConfigureAwait(false)).GroupChange ?? throw OtherVersion();

    /// <summary>The packet filter, after a change of it if that is wanted.</summary>
    /// <param name="command"><see cref="LocalCommands.Filter"/> to look only, or one that changes.</param>
    /// <param name="rule">The rule to add or remove.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public async Task<FilterReport> FilterAsync(string command, FilterRuleRequest? rule, CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = command, Rule = rule }, cancellation).ConfigureAwait(false)).Filter ?? throw OtherVersion();

    /// <summary>Has the system ask this peer for names of the mesh, in place of another context's.</summary>
    /// <returns>The resolver as it is then; its problem says why it did not work.</returns>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public async Task<DnsReport> TakeNamesAsync(CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.NamesTake }, cancellation).ConfigureAwait(false)).Dns ?? throw OtherVersion();

    /// <summary>Has the system ask this peer no more, since another context's takes over.</summary>
    /// <param name="context">The other context.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public async Task<DnsReport> YieldNamesAsync(string context, CancellationToken cancellation) =>
        (await AskAsync(new LocalRequest { Command = LocalCommands.NamesYield, Name = context }, cancellation).ConfigureAwait(false)).Dns ?? throw OtherVersion();

    /// <summary>Stops the peer.</summary>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    public Task ShutdownAsync(CancellationToken cancellation) => AskAsync(new LocalRequest { Command = LocalCommands.Shutdown }, cancellation);

    /// <summary>Waits until a peer that was told to stop has ended, with everything undone that it had made: until nobody holds the place of its control socket.</summary>
    /// <param name="patience">How long.</param>
    /// <param name="time">Clock.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>False when it is there still.</returns>
    public async Task<bool> WaitForEndAsync(TimeSpan patience, TimeProvider time, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(time);
        long begin = time.GetTimestamp();
        while (LocalSocket.IsServed(_path))
        {
            if (time.GetElapsedTime(begin) >= patience)
            {
                return false;
            }
            await Task.Delay(LookInterval, time, cancellation).ConfigureAwait(false);
        }
        return true;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    /// <summary>One request and its answer; the answer is <see cref="LocalResponse.Ok"/>.</summary>
    /// <exception cref="LocalApiException">The peer refused.</exception>
    internal async Task<LocalResponse> AskAsync(LocalRequest request, CancellationToken cancellation)
    {
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(request, LocalApiJson.Default.LocalRequest), (byte)'\n'];
        try
        {
            for (int sent = 0; sent < line.Length;)
            {
                sent += await _socket.SendAsync(line.AsMemory(sent), SocketFlags.None, cancellation).ConfigureAwait(false);
            }
            if (await _reader.ReadAsync(cancellation).ConfigureAwait(false) is not { } answer)
            {
                throw NoAnswer();
            }
            LocalResponse response = JsonSerializer.Deserialize(answer.Span, LocalApiJson.Default.LocalResponse) ?? throw OtherVersion();
            return response.Ok ? response : throw new LocalApiException(response.Error ?? LocalErrorCodes.Failed, response.Message ?? "The peer refused.");
        }
        catch (SocketException)
        {
            throw NoAnswer();
        }
        catch (JsonException)
        {
            throw OtherVersion();
        }
    }

    private static LocalApiException OtherVersion() => new(LocalErrorCodes.OtherVersion, "The running peer answers in a way this program does not understand: it is of another version. Restart it, so that both are of one.");

    private static string WhoMay() =>
        OperatingSystem.IsWindows() ? "Run as an administrator."
        : OperatingSystem.IsLinux() ? "Run as root, or become a member of the group `tunnelmesh`."
        : "Run as root (sudo).";

    private static LocalApiException NoAnswer() => new(LocalErrorCodes.Failed, "The running peer closed the control socket without an answer; it may just have stopped.");
}
