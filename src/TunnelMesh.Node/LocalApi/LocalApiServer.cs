using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using TunnelMesh.Node.Listening;
using TunnelMesh.Platform.Files;
using TunnelMesh.Platform.Users;

namespace TunnelMesh.Node.LocalApi;

/// <summary>
/// Serves the control socket: one JSON object a line, both ways. Root and the owner of the process may change;
/// everyone else whom the socket's mode lets in (group <c>tunnelmesh</c>) may only read. Outside Linux there is no such group: on
/// macOS the mode lets in root and the owner alone, on Windows the directory administrators alone, and all of them may change.
/// Only one server has a path at a time: it holds a file beside it, from before it looks whether another answers until it has removed the socket.
/// </summary>
public sealed class LocalApiServer : IAsyncDisposable
{
    private const string GroupName = "tunnelmesh";
    private readonly ILocalApiHandler _handler;
    private readonly SocketAcceptor _acceptor;
    private readonly TimeProvider _time;
    private readonly string _path;
    private readonly FileStream _alone;
    private int _disposed;

    private LocalApiServer(ILocalApiHandler handler, Socket listener, string path, FileStream alone, TimeProvider time)
    {
        (_handler, _path, _alone, _time) = (handler, path, alone, time);
        _acceptor = new SocketAcceptor(ServeAsync, time, LocalSocket.MaxConnections);
        _acceptor.Add(listener);
    }

    /// <summary>Binds the socket and begins to serve; the directory is made when missing, a socket of a dead process is replaced.</summary>
    /// <param name="handler">Who answers.</param>
    /// <param name="path">Path of the socket. On Windows its directory must be for such sockets only: an administrator's process takes it from everyone else.</param>
    /// <param name="time">Clock of the idle time-out.</param>
    /// <exception cref="PeerAlreadyRunningException">A live process answers there, or is about to.</exception>
    /// <exception cref="IOException">The path is too long or the directory cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">The directory belongs to another user (Windows).</exception>
    public static LocalApiServer Start(ILocalApiHandler handler, string path, TimeProvider time)
    {
        LocalSocket.CheckPath(path);
        MakeDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        string hold = LocalSocket.HoldOf(path);
        FileStream? alone = PrivateFile.TryHold(hold);
        try
        {
            // Also with the hold: a program of before there was one may answer.
            bool stale = IsStale(path);
            if (alone is null)
            {
                throw new PeerAlreadyRunningException($"Another peer is just starting or ending here: it holds {hold}. `tunnelmesh status` shows it once it runs. To start one beside it, use another --context.");
            }
            if (stale)
            {
                File.Delete(path);
            }
            return new LocalApiServer(handler, Listen(path), path, alone, time);
        }
        catch
        {
            alone?.Dispose();
            throw;
        }
    }

    /// <summary>Stops serving, closes all connections and removes the socket.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }
        File.Delete(_path);
        // The framework deletes the path once more when the listening socket is closed, so nobody else may have it before.
        await _acceptor.DisposeAsync().ConfigureAwait(false);
        await _alone.DisposeAsync().ConfigureAwait(false);
    }

    private static Socket Listen(string path)
    {
        Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            // Nobody can connect before Listen, so the mode is right before the first client.
            Protect(path);
            listener.Listen(LocalSocket.MaxConnections);
            return listener;
        }
        catch (Exception e)
        {
            listener.Dispose();
            if (e is not SocketException refused)
            {
                throw;
            }
            throw refused.SocketErrorCode == SocketError.AddressAlreadyInUse
                ? new PeerAlreadyRunningException($"Another process has the control socket {path}. If no peer runs here, remove it.")
                : new IOException($"The control socket {path} cannot be made: {e.Message}", e);
        }
    }

    private static void MakeDirectory(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            // A socket has no mode there: it takes over the access list of its directory. Without the rights of an administrator no peer
            // gets as far as a tunnel, so what it is told to do matters to its own user alone.
            if (Environment.IsPrivilegedProcess)
            {
                AdministratorsDirectory.Make(directory);
            }
            else
            {
                Directory.CreateDirectory(directory);
            }
            return;
        }
        if (Directory.Exists(directory))
        {
            return;
        }
        // Under /run (macOS: /var/run) every user must be able to reach the socket, whose own mode then decides; elsewhere it is ours alone.
        const UnixFileMode mine = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(directory, directory.StartsWith("/run/", StringComparison.Ordinal) || directory.StartsWith("/var/run/", StringComparison.Ordinal)
            ? mine | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute
            : mine);
    }

    // True for the socket of a process that is no more; who answers is named.
    private static bool IsStale(string path)
    {
        using Socket probe = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused;
        }
        string pid = LocalSocket.GetPeer(probe) is { } peer ? string.Create(CultureInfo.InvariantCulture, $" (pid {peer.Pid})") : "";
        throw new PeerAlreadyRunningException($"A peer is already running{pid}: it answers at {path}. Stop it first, or use another --context.");
    }

    private static void Protect(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        if (OperatingSystem.IsLinux() && UnixUsers.FindGroup(GroupName) is { } group && UnixUsers.TrySetGroup(path, group))
        {
            mode |= UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        }
        File.SetUnixFileMode(path, mode);
    }

    private async Task ServeAsync(Socket client, CancellationToken stopped)
    {
        using Socket socket = client;
        // An answer may take a moment, which nobody else is to wait for.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            // Where the system tells who asks, whoever is not told may only read.
            bool mayChange = LocalSocket.GetPeer(socket) is { } peer ? peer.Uid == 0 || peer.Uid == UnixUsers.EffectiveUserId : !OperatingSystem.IsLinux();
            LineReader reader = new(socket, LocalSocket.MaxRequestBytes);
            while (true)
            {
                using CancellationTokenSource idle = new(LocalSocket.IdleTimeout, _time);
                using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, stopped);
                if (await reader.ReadAsync(either.Token).ConfigureAwait(false) is not { } line)
                {
                    return;
                }
                (LocalResponse response, bool stop) = await AnswerAsync(line, mayChange, stopped).ConfigureAwait(false);
                byte[] json = JsonSerializer.SerializeToUtf8Bytes(response, LocalApiJson.Default.LocalResponse);
                byte[] whole = new byte[json.Length + 1];
                json.CopyTo(whole, 0);
                whole[^1] = (byte)'\n';
                for (int sent = 0; sent < whole.Length;)
                {
                    using CancellationTokenSource slow = new(LocalSocket.IdleTimeout, _time);
                    using CancellationTokenSource ends = CancellationTokenSource.CreateLinkedTokenSource(slow.Token, stopped);
                    sent += await socket.SendAsync(whole.AsMemory(sent), SocketFlags.None, ends.Token).ConfigureAwait(false);
                }
                if (stop)
                {
                    _handler.RequestShutdown();
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The client went away, was too slow, or the peer stops: nothing is owed to anybody.
        }
    }

    private async Task<(LocalResponse Response, bool Stop)> AnswerAsync(ReadOnlyMemory<byte> line, bool mayChange, CancellationToken stopped)
    {
        try
        {
            LocalRequest? request = JsonSerializer.Deserialize(line.Span, LocalApiJson.Default.LocalRequest);
            switch (request?.Command)
            {
                case LocalCommands.Status:
                    return (new LocalResponse { Ok = true, Status = _handler.GetStatus() }, false);
                case LocalCommands.Peers:
                    return (new LocalResponse { Ok = true, Peers = _handler.GetPeers() }, false);
                case LocalCommands.Resolve:
                    return (new LocalResponse { Ok = true, Resolved = _handler.Resolve(request.Name ?? "") }, false);
                case LocalCommands.Ping:
                    TimeSpan timeout = TimeSpan.FromMilliseconds(Math.Max(0, request.TimeoutMs));
                    return (new LocalResponse { Ok = true, Ping = await _handler.PingAsync(request.Name ?? "", timeout, stopped).ConfigureAwait(false) }, false);
                case LocalCommands.NetCheck:
                    return (new LocalResponse { Ok = true, NetCheck = await _handler.CheckNetworkAsync(stopped).ConfigureAwait(false) }, false);
                case LocalCommands.Doctor:
                    return (new LocalResponse { Ok = true, Diagnoses = await _handler.DiagnoseAsync(request.Name, stopped).ConfigureAwait(false) }, false);
                case LocalCommands.Leave or LocalCommands.Revoke or LocalCommands.Tokens or LocalCommands.CreateToken or LocalCommands.RevokeToken or LocalCommands.Transports
                    or LocalCommands.GroupCreate or LocalCommands.GroupDelete or LocalCommands.GroupAdd or LocalCommands.GroupRemove
                    or LocalCommands.FilterAdd or LocalCommands.FilterRemove or LocalCommands.FilterReload
                    or LocalCommands.NamesTake or LocalCommands.NamesYield or LocalCommands.Shutdown when !mayChange:
                    return (Refuse(LocalErrorCodes.Forbidden, "Only root and the user who runs the peer may do this."), false);
                case LocalCommands.Leave:
                    bool told = await _handler.LeaveAsync(request.Force, stopped).ConfigureAwait(false);
                    return (new LocalResponse { Ok = true, CoordinatorTold = told }, true);
                case LocalCommands.Revoke when request is { DeviceId: { } device, PeerId: null }:
                    return (new LocalResponse { Ok = true, Revoked = await _handler.RevokeDeviceAsync(device, stopped).ConfigureAwait(false) }, false);
                case LocalCommands.Revoke when request is { DeviceId: null, PeerId: { } user }:
                    return (new LocalResponse { Ok = true, Revoked = await _handler.RevokeUserAsync(user, stopped).ConfigureAwait(false) }, false);
                case LocalCommands.Revoke:
                    return (Refuse(LocalErrorCodes.BadRequest, "Either a device or a user is revoked."), false);
                case LocalCommands.Tokens:
                    return (new LocalResponse { Ok = true, Tokens = await _handler.TokensAsync(stopped).ConfigureAwait(false) }, false);
                case LocalCommands.CreateToken when TokenLimits.FaultOfLife(request.LifeSeconds) is { } fault:
                    return (Refuse(LocalErrorCodes.BadRequest, fault), false);
                case LocalCommands.CreateToken:
                    TimeSpan? life = request.LifeSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
                    return (new LocalResponse { Ok = true, NewToken = await _handler.CreateTokenAsync(life, request.Uses, stopped).ConfigureAwait(false) }, false);
                case LocalCommands.RevokeToken when request.TokenId is { } token:
                    return (new LocalResponse { Ok = true, RevokedToken = await _handler.RevokeTokenAsync(token, request.WithPeers, stopped).ConfigureAwait(false) }, false);
                case LocalCommands.RevokeToken:
                    return (Refuse(LocalErrorCodes.BadRequest, "Which token is revoked is said by its number."), false);
                case LocalCommands.Transports:
                    IReadOnlyList<TransportReport> orders = await _handler.TransportsAsync(request.Name, request.With, request.Transports, stopped).ConfigureAwait(false);
                    return (new LocalResponse { Ok = true, Transports = orders }, false);
                case LocalCommands.Groups:
                    return (new LocalResponse { Ok = true, Groups = await _handler.GroupsAsync(stopped).ConfigureAwait(false) }, false);
                case LocalCommands.GroupMembers or LocalCommands.GroupCreate or LocalCommands.GroupDelete or LocalCommands.GroupAdd or LocalCommands.GroupRemove when request.Group is null:
                    return (Refuse(LocalErrorCodes.BadRequest, "The request names no group."), false);
                case LocalCommands.GroupAdd or LocalCommands.GroupRemove when request.Member is null:
                    return (Refuse(LocalErrorCodes.BadRequest, "The request names no user."), false);
                case LocalCommands.GroupMembers:
                    return (new LocalResponse { Ok = true, GroupMembers = await _handler.GroupMembersAsync(request.Group!, stopped).ConfigureAwait(false) }, false);
                case LocalCommands.GroupCreate:
                    return (new LocalResponse { Ok = true, GroupChange = await _handler.CreateGroupAsync(request.Group!, stopped).ConfigureAwait(false) }, false);
                case LocalCommands.GroupDelete:
                    return (new LocalResponse { Ok = true, GroupChange = await _handler.DeleteGroupAsync(request.Group!, stopped).ConfigureAwait(false) }, false);
                case LocalCommands.GroupAdd:
                    return (new LocalResponse { Ok = true, GroupChange = await _handler.AddToGroupAsync(request.Group!, request.Member!, stopped).ConfigureAwait(false) }, false);
                case LocalCommands.GroupRemove:
                    return (new LocalResponse { Ok = true, GroupChange = await _handler.RemoveFromGroupAsync(request.Group!, request.Member!, stopped).ConfigureAwait(false) }, false);
                case LocalCommands.Filter:
                    return (new LocalResponse { Ok = true, Filter = _handler.GetFilter() }, false);
                case LocalCommands.FilterAdd or LocalCommands.FilterRemove when request.Rule is null:
                    return (Refuse(LocalErrorCodes.BadRequest, "The request names no rule."), false);
                case LocalCommands.FilterAdd:
                    return (new LocalResponse { Ok = true, Filter = _handler.AddFilterRule(request.Rule!) }, false);
                case LocalCommands.FilterRemove:
                    return (new LocalResponse { Ok = true, Filter = _handler.RemoveFilterRule(request.Rule!) }, false);
                case LocalCommands.FilterReload:
                    return (new LocalResponse { Ok = true, Filter = await _handler.ReloadFilterAsync(stopped).ConfigureAwait(false) }, false);
                case LocalCommands.NamesTake:
                    return (new LocalResponse { Ok = true, Dns = await _handler.TakeNamesAsync(stopped).ConfigureAwait(false) }, false);
                case LocalCommands.NamesYield:
                    return (new LocalResponse { Ok = true, Dns = await _handler.YieldNamesAsync(request.Name ?? "", stopped).ConfigureAwait(false) }, false);
                case LocalCommands.Shutdown:
                    return (new LocalResponse { Ok = true }, true);
                case null:
                    return (Refuse(LocalErrorCodes.BadRequest, "The line is no request."), false);
                default:
                    return (Refuse(LocalErrorCodes.UnknownCommand, $"The running peer does not know `{request.Command}`; it may be older than this program. Restart it."), false);
            }
        }
        catch (JsonException)
        {
            return (Refuse(LocalErrorCodes.BadRequest, "The line is no request."), false);
        }
        catch (LocalApiException e)
        {
            return (Refuse(e.Code, e.Message), false);
        }
#pragma warning disable CA1031 // Whatever an answer stumbles over: whoever asked is told, and the connection goes on.
        catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
        {
            return (Refuse(LocalErrorCodes.Failed, e.Message), false);
        }
    }

    private static LocalResponse Refuse(string code, string message) => new() { Ok = false, Error = code, Message = message };
}
