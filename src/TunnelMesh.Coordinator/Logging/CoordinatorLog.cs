using System.Net;
using Microsoft.Extensions.Logging;

namespace TunnelMesh.Coordinator.Logging;

/// <summary>
/// Everything the coordinator logs. Event IDs are stable: 1xx joining, 2xx streams, presence and relay, 3xx membership, 4xx storage,
/// 5xx certificates and tokens, 6xx listener. No message carries a secret.
/// </summary>
internal static partial class CoordinatorLog
{
    [LoggerMessage(101, LogLevel.Information, "{Name} ({Device}) joined from {Address} as {Ip} with token {Token}")]
    internal static partial void Joined(ILogger log, string name, string device, IPAddress address, IPAddress ip, long? token);

    [LoggerMessage(102, LogLevel.Information, "{Name} ({Device}) came back from {Address} with its old address {Ip}")]
    internal static partial void Rejoined(ILogger log, string name, string device, IPAddress address, IPAddress ip);

    [LoggerMessage(103, LogLevel.Debug, "{Name} ({Device}) renewed its certificate from {Address}")]
    internal static partial void Renewed(ILogger log, string name, string device, IPAddress address);

    [LoggerMessage(104, LogLevel.Warning, "a join or renewal from {Address} was refused: {Code}: {Reason}")]
    internal static partial void JoinRefused(ILogger log, IPAddress address, string code, string reason);

    [LoggerMessage(105, LogLevel.Debug, "{Address} has to wait {Seconds} s after too many failed proofs")]
    internal static partial void JoinLimited(ILogger log, IPAddress address, int seconds);

    [LoggerMessage(201, LogLevel.Information, "{Name} ({Device}) is online from {Address}")]
    internal static partial void Online(ILogger log, string name, string device, IPAddress address);

    [LoggerMessage(202, LogLevel.Information, "{Name} ({Device}) is offline")]
    internal static partial void Offline(ILogger log, string name, string device);

    [LoggerMessage(203, LogLevel.Information, "{Device} came back from {Address}; the stream from {Old} is closed")]
    internal static partial void Replaced(ILogger log, string device, IPAddress address, IPAddress old);

    [LoggerMessage(204, LogLevel.Warning, "{Name} ({Device}) is in use on two machines, one of them at {Address}; both are refused until one is stopped")]
    internal static partial void InUse(ILogger log, string name, string device, IPAddress address);

    [LoggerMessage(205, LogLevel.Warning, "a control stream from {Address} was refused: {Reason}")]
    internal static partial void StreamRefused(ILogger log, IPAddress address, string reason);

    [LoggerMessage(206, LogLevel.Warning, "the control stream of {Device} was ended: {Code}: {Reason}")]
    internal static partial void StreamEnded(ILogger log, string device, string code, string reason);

    [LoggerMessage(207, LogLevel.Information, "{Device} did not take what was sent to it; its stream is closed")]
    internal static partial void Stalled(ILogger log, string device);

    [LoggerMessage(208, LogLevel.Debug, "{Device} sent a message of unknown type")]
    internal static partial void UnknownMessage(ILogger log, string device);

    [LoggerMessage(209, LogLevel.Warning, "{Count} more refusals were not logged")]
    internal static partial void RefusalsLeftOut(ILogger log, long count);

    [LoggerMessage(220, LogLevel.Debug, "{Device} opened a relay stream from {Address}; the one from {Old} is closed")]
    internal static partial void RelayReplaced(ILogger log, string device, IPAddress address, IPAddress old);

    [LoggerMessage(221, LogLevel.Information, "{Device} did not take what was relayed to it; its relay stream is closed")]
    internal static partial void RelayStalled(ILogger log, string device);

    [LoggerMessage(222, LogLevel.Information, "{Device} was silent for {Seconds:0} s; its relay stream is closed")]
    internal static partial void RelaySilent(ILogger log, string device, double seconds);

    [LoggerMessage(223, LogLevel.Warning, "the relay stream of {Device} was ended: {Code}: {Reason}")]
    internal static partial void RelayEnded(ILogger log, string device, string code, string reason);

    [LoggerMessage(301, LogLevel.Information, "{Name} ({Device}) left the mesh")]
    internal static partial void Left(ILogger log, string name, string device);

    [LoggerMessage(302, LogLevel.Warning, "device {Device} was revoked")]
    internal static partial void DeviceRevoked(ILogger log, string device);

    [LoggerMessage(303, LogLevel.Warning, "user {User} was revoked with {Count} devices")]
    internal static partial void UserRevoked(ILogger log, string user, int count);

    [LoggerMessage(304, LogLevel.Information, "order of transports of {Device} with {Other}: {Order}")]
    internal static partial void TransportsOrdered(ILogger log, string device, string other, string order);

    [LoggerMessage(305, LogLevel.Warning, "{Name} ({Device}) was refused aliases that other devices have: {Aliases}")]
    internal static partial void AliasesTaken(ILogger log, string name, string device, string aliases);

    [LoggerMessage(306, LogLevel.Information, "group {Group} was made")]
    internal static partial void GroupCreated(ILogger log, string group);

    [LoggerMessage(307, LogLevel.Information, "group {Group} was deleted")]
    internal static partial void GroupDeleted(ILogger log, string group);

    [LoggerMessage(308, LogLevel.Information, "user {User} was put into group {Group}")]
    internal static partial void GroupMemberAdded(ILogger log, string user, string group);

    [LoggerMessage(309, LogLevel.Information, "user {User} was taken out of group {Group}")]
    internal static partial void GroupMemberRemoved(ILogger log, string user, string group);

    [LoggerMessage(310, LogLevel.Warning, "by the name {Entry} in coordinator.admin_peers these users are admins, whoever has the name later: {Users}; `tunnelmesh group members all_admin_users` shows their devices, and a peer ID in place of the name cannot be mistaken")]
    internal static partial void AdminByName(ILogger log, string entry, string users);

    [LoggerMessage(311, LogLevel.Warning, "nobody is an admin by the name {Entry} in coordinator.admin_peers: when it was put there, no device had it, or its user has been revoked since; a device that takes the name later is none by it. Put the peer ID in its place, which `tunnelmesh status` shows on the device")]
    internal static partial void AdminUnknown(ILogger log, string entry);

    [LoggerMessage(312, LogLevel.Warning, "{Entry} in coordinator.admin_peers is the peer ID of nobody in the mesh; the user is an admin from the first join on, unless revoked")]
    internal static partial void AdminNotHere(ILogger log, string entry);

    [LoggerMessage(313, LogLevel.Information, "{Name} has joined for user {User}, who is an admin by coordinator.admin_peers")]
    internal static partial void AdminJoined(ILogger log, string name, string user);

    [LoggerMessage(401, LogLevel.Error, "{What} could not be stored")]
    internal static partial void StorageFailed(ILogger log, string what, Exception e);

    [LoggerMessage(501, LogLevel.Information, "new server certificate for {Name}, valid until {End:u}")]
    internal static partial void CertificateIssued(ILogger log, string name, DateTimeOffset end);

    [LoggerMessage(502, LogLevel.Error, "the server certificate could not be renewed; it ends at {End:u}")]
    internal static partial void CertificateFailed(ILogger log, DateTimeOffset end, Exception e);

    [LoggerMessage(503, LogLevel.Warning, "token {Token} was revoked and admits nobody any more; devices that were revoked with it: {Count}")]
    internal static partial void TokenRevoked(ILogger log, long token, int count);

    [LoggerMessage(504, LogLevel.Information, "token {Token} was created; it ends {End}, and admits devices: {Uses}")]
    internal static partial void TokenCreated(ILogger log, long token, string end, string uses);

    [LoggerMessage(601, LogLevel.Information, "listening address={Address} mesh={Mesh} devices={Devices}")]
    internal static partial void Listening(ILogger log, IPEndPoint address, int devices, string mesh);

    [LoggerMessage(602, LogLevel.Error, "a request to {Path} failed inside the coordinator")]
    internal static partial void RequestFailed(ILogger log, string path, Exception e);

    [LoggerMessage(603, LogLevel.Error, "work in the background failed and is tried again")]
    internal static partial void BackgroundFailed(ILogger log, Exception e);

    [LoggerMessage(607, LogLevel.Information, "what every peer's packet filter is told has changed rules={Rules} service_ports={Ports}")]
    internal static partial void FilterChanged(ILogger log, int rules, int ports);

    [LoggerMessage(604, LogLevel.Information, "STUN listening address={Address}")]
    internal static partial void StunListening(ILogger log, IPEndPoint address);

    [LoggerMessage(605, LogLevel.Warning, "STUN does not answer on {Address}: {Error}")]
    internal static partial void StunAddressLeftOut(ILogger log, IPEndPoint address, System.Net.Sockets.SocketError error);

    [LoggerMessage(606, LogLevel.Warning, "the addresses of this machine could not be listed for STUN; the next change tries again")]
    internal static partial void StunAddressesUnknown(ILogger log, Exception e);

    [LoggerMessage(609, LogLevel.Information, "peers reach this coordinator at other addresses than before and are told so urls={Urls} stun={Stun}")]
    internal static partial void AddressesChanged(ILogger log, string urls, string stun);

    [LoggerMessage(608, LogLevel.Warning, "a connection from {Address} could not be served")]
    internal static partial void ConnectionFailed(ILogger log, IPAddress address, Exception e);
}
