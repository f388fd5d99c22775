using Microsoft.Extensions.Logging;

namespace TunnelMesh.Cli.Hosting;

/// <summary>What a running peer says in its log.</summary>
internal static partial class HostLog
{
    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "identity key made path={Path} peer_id={PeerId}")]
    public static partial void IdentityMade(this ILogger log, string path, string peerId);

    [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "others than its owner may read the identity key; run chmod 600 on it path={Path}")]
    public static partial void IdentityExposed(this ILogger log, string path);

    [LoggerMessage(EventId = 3, Level = LogLevel.Warning, Message = "a file of this peer is damaged: {Problem}")]
    public static partial void FileDamaged(this ILogger log, string problem);

    [LoggerMessage(EventId = 4, Level = LogLevel.Information, Message = "this machine serves the mesh mesh={MeshId} range={Cidr} ca_sha256={CaSha256}")]
    public static partial void Serves(this ILogger log, string meshId, string cidr, string caSha256);

    [LoggerMessage(EventId = 5, Level = LogLevel.Information, Message = "joined the mesh server={Server} mesh={MeshId} name={Name} address={Address}")]
    public static partial void Joined(this ILogger log, string server, string meshId, string name, string address);

    [LoggerMessage(EventId = 6, Level = LogLevel.Information, Message = "interface up name={Name} mtu={Mtu} udp_port={UdpPort}")]
    public static partial void InterfaceUp(this ILogger log, string name, int mtu, int udpPort);

    [LoggerMessage(EventId = 7, Level = LogLevel.Warning, Message = "the interface carries IPv4 only: {Reason}")]
    public static partial void NoIPv6(this ILogger log, string reason);

    [LoggerMessage(EventId = 8, Level = LogLevel.Information, Message = "coordinator connected server={Server}")]
    public static partial void ControlConnected(this ILogger log, string server);

    [LoggerMessage(EventId = 9, Level = LogLevel.Warning, Message = "coordinator not connected, tried again server={Server}: {Problem}")]
    public static partial void ControlLost(this ILogger log, string server, string problem);

    [LoggerMessage(EventId = 10, Level = LogLevel.Warning, Message = "THE KEY BEHIND A NAME HAS CHANGED: another user now has it, or someone poses as them. Compare keys before you trust it. name={Name} old_key={OldKey} new_key={NewKey}")]
    public static partial void PinChanged(this ILogger log, string name, string oldKey, string newKey);

    [LoggerMessage(EventId = 11, Level = LogLevel.Warning, Message = "the state of this peer could not be written; it is tried again")]
    public static partial void StateNotWritten(this ILogger log, Exception problem);

    [LoggerMessage(EventId = 12, Level = LogLevel.Warning, Message = "entries of the network map did not verify and were left out count={Count}")]
    public static partial void EntriesDropped(this ILogger log, int count);

    [LoggerMessage(EventId = 13, Level = LogLevel.Debug, Message = "network map number={Number} devices={Devices}")]
    public static partial void MapChanged(this ILogger log, long number, int devices);

    [LoggerMessage(EventId = 14, Level = LogLevel.Information, Message = "addresses of this machine changed endpoints={Endpoints}")]
    public static partial void EndpointsChanged(this ILogger log, string endpoints);

    [LoggerMessage(EventId = 20, Level = LogLevel.Information, Message = "seen from outside at endpoints={Endpoints}")]
    public static partial void PublicEndpointsChanged(this ILogger log, string endpoints);

    [LoggerMessage(EventId = 30, Level = LogLevel.Information, Message = "not seen from outside any more: no server names an endpoint that others could use")]
    public static partial void PublicEndpointsGone(this ILogger log);

    [LoggerMessage(EventId = 15, Level = LogLevel.Information, Message = "certificate renewed until={Until:u}")]
    public static partial void Renewed(this ILogger log, DateTimeOffset until);

    [LoggerMessage(EventId = 16, Level = LogLevel.Information, Message = "stopping")]
    public static partial void Stopping(this ILogger log);

    [LoggerMessage(EventId = 17, Level = LogLevel.Warning, Message = "a token in TUNNELMESH_TOKEN admits nobody and stays so; take it out of the variable. `tunnelmesh token list` shows those that do token={Id} state={State}")]
    public static partial void TokenNotValid(this ILogger log, long id, string state);

    [LoggerMessage(EventId = 40, Level = LogLevel.Warning, Message = "metrics are not served: {Problem}")]
    public static partial void MetricsNotServed(this ILogger log, string problem);

    [LoggerMessage(EventId = 41, Level = LogLevel.Warning, Message = "no token is valid, so no device can join; `tunnelmesh token create` makes one")]
    public static partial void NoValidToken(this ILogger log);

    [LoggerMessage(EventId = 18, Level = LogLevel.Warning, Message = "the addresses of this machine could not be told to the coordinator; it is tried again")]
    public static partial void EndpointsUnknown(this ILogger log, Exception problem);

    [LoggerMessage(EventId = 21, Level = LogLevel.Information, Message = "DNS resolver listens endpoints={Endpoints}")]
    public static partial void DnsListening(this ILogger log, string endpoints);

    [LoggerMessage(EventId = 22, Level = LogLevel.Warning, Message = "the resolver does not listen everywhere: {Problem}")]
    public static partial void DnsNotListening(this ILogger log, string problem);

    [LoggerMessage(EventId = 23, Level = LogLevel.Information, Message = "the system resolves names of the mesh through this peer way={Way}")]
    public static partial void DnsSystemSet(this ILogger log, string way);

    [LoggerMessage(EventId = 24, Level = LogLevel.Warning, Message = "programs of this system do not resolve names of the mesh: {Problem}")]
    public static partial void DnsSystemNotSet(this ILogger log, string problem);

    [LoggerMessage(EventId = 25, Level = LogLevel.Warning, Message = "the DNS set-up of this system could not be put back; the next start tries again: {Problem}")]
    public static partial void DnsSystemNotPutBack(this ILogger log, string problem);

    [LoggerMessage(EventId = 54, Level = LogLevel.Warning, Message = "the look whether the names of the mesh are still set up failed; it is tried again every few seconds")]
    public static partial void DnsLookFailed(this ILogger log, Exception problem);

    [LoggerMessage(EventId = 50, Level = LogLevel.Information, Message = "the system asks the peer of another context for names; `tunnelmesh context use` moves them context={Context}")]
    public static partial void DnsSystemElsewhere(this ILogger log, string context);

    [LoggerMessage(EventId = 53, Level = LogLevel.Information, Message = "somebody had taken away how the system resolves names of the mesh; it is set up again, and `tunnelmesh status` counts how often. For an hour this is not said again way={Way}")]
    public static partial void DnsSystemSetAgain(this ILogger log, string way);

    [LoggerMessage(EventId = 51, Level = LogLevel.Warning, Message = "this mesh and that of another context have addresses in common, so their peers cannot run at the same time range={Range} context={Context} other_range={OtherRange}")]
    public static partial void RangeOfContext(this ILogger log, string range, string context, string otherRange);

    [LoggerMessage(EventId = 52, Level = LogLevel.Warning, Message = "the system was not made to trust the CA of the mesh: {Problem}")]
    public static partial void CaNotTrusted(this ILogger log, string problem);

    [LoggerMessage(EventId = 26, Level = LogLevel.Warning, Message = "names, after a process that was killed: {Recovered}")]
    public static partial void DnsRecovered(this ILogger log, string recovered);

    [LoggerMessage(EventId = 27, Level = LogLevel.Warning, Message = "THE ALIAS IS TAKEN: the device that had it first keeps it. Choose another one in dns.aliases. alias={Alias} device={Device}")]
    public static partial void AliasTaken(this ILogger log, string alias, string device);

    [LoggerMessage(EventId = 28, Level = LogLevel.Warning, Message = "the coordinator sent filter rules that this version cannot use: those that allow were left out, all others drop whatever they may be about; update this peer count={Count}")]
    public static partial void FilterRulesRefused(this ILogger log, int count);

    [LoggerMessage(EventId = 29, Level = LogLevel.Information, Message = "temporary filter rule added action={Action} protocol={Protocol} port={Port} source={Source} ttl={Ttl}")]
    public static partial void FilterRuleAdded(this ILogger log, string action, string protocol, string port, string source, TimeSpan? ttl);

    [LoggerMessage(EventId = 44, Level = LogLevel.Information, Message = "temporary filter rule removed protocol={Protocol} port={Port} source={Source}")]
    public static partial void FilterRuleRemoved(this ILogger log, string protocol, string port, string source);

    [LoggerMessage(EventId = 31, Level = LogLevel.Information, Message = "filter rules read again rules={Rules} default_deny={DefaultDeny}")]
    public static partial void FilterReloaded(this ILogger log, int rules, bool defaultDeny);

    [LoggerMessage(EventId = 19, Level = LogLevel.Warning, Message = "the system did not say how this machine is connected; it is asked again")]
    public static partial void NetworkUnknown(this ILogger log, Exception problem);

    [LoggerMessage(EventId = 42, Level = LogLevel.Warning, Message = "STUN is answered at one port only; peers cannot tell hard NATs from easy ones, and stay on the relay between the two. Free the other port. port={Endpoint} error={Error}")]
    public static partial void NoSecondStunPort(this ILogger log, System.Net.IPEndPoint endpoint, System.Net.Sockets.SocketError error);

    [LoggerMessage(EventId = 43, Level = LogLevel.Error, Message = "the data plane hangs: it has not come round in time, so the service manager is not told that all is well within_s={Seconds}")]
    public static partial void DataPlaneHangs(this ILogger log, double seconds);

    [LoggerMessage(EventId = 70, Level = LogLevel.Information, Message = "packets with addresses of the mesh that arrive by other interfaces are dropped interface={Interface} by={Backend}")]
    public static partial void GuardSet(this ILogger log, string @interface, string backend);

    [LoggerMessage(EventId = 71, Level = LogLevel.Warning, Message = "PACKETS WITH ADDRESSES OF THE MESH GET IN BY OTHER INTERFACES, too; it is tried again: {Problem}")]
    public static partial void GuardProblem(this ILogger log, string problem);

    [LoggerMessage(EventId = 74, Level = LogLevel.Warning, Message = "this machine is in a network that has addresses of the mesh; what comes from them there is dropped network={Network} interface={Interface}")]
    public static partial void GuardHides(this ILogger log, System.Net.IPNetwork network, string @interface);

    [LoggerMessage(EventId = 72, Level = LogLevel.Warning, Message = "rules for addresses of the mesh, after a process that was killed: {Recovered}")]
    public static partial void GuardRecovered(this ILogger log, string recovered);

    [LoggerMessage(EventId = 73, Level = LogLevel.Warning, Message = "the rules for addresses of the mesh could not be removed; the next start tries again: {Problem}")]
    public static partial void GuardNotRemoved(this ILogger log, string problem);

    [LoggerMessage(EventId = 75, Level = LogLevel.Warning, Message = "another program has taken away rules against addresses of the mesh that arrive by other interfaces; they are back. For an hour this is not said again interface={Interface}")]
    public static partial void GuardBack(this ILogger log, string @interface);

    [LoggerMessage(EventId = 76, Level = LogLevel.Warning, Message = "another program has changed the mesh's interface, which is as it was again; whoever wants it down stops the peer. For an hour this is not said again interface={Interface} put_back={PutBack}")]
    public static partial void InterfaceBack(this ILogger log, string @interface, string putBack);

    [LoggerMessage(EventId = 77, Level = LogLevel.Warning, Message = "THE MESH'S INTERFACE IS NOT AS IT HAS TO BE, so packets for the mesh may leave this machine by other ways; it is tried again interface={Interface}: {Problem}")]
    public static partial void InterfaceProblem(this ILogger log, string @interface, string problem);

    [LoggerMessage(EventId = 32, Level = LogLevel.Information, Message = "the traffic of other peers to the internet may leave through this machine interface={Interface}")]
    public static partial void ExitServes(this ILogger log, string @interface);

    [LoggerMessage(EventId = 33, Level = LogLevel.Information, Message = "traffic to the internet leaves through the exit peer peer={Peer} ip={Address}")]
    public static partial void ExitActive(this ILogger log, string peer, System.Net.IPAddress address);

    [LoggerMessage(EventId = 34, Level = LogLevel.Warning, Message = "the exit peer cannot be used peer={Peer} state={State} traffic={Traffic}")]
    public static partial void ExitLost(this ILogger log, string peer, string state, string traffic);

    [LoggerMessage(EventId = 35, Level = LogLevel.Warning, Message = "exit traffic, after a process that was killed: {Recovered}")]
    public static partial void ExitRecovered(this ILogger log, string recovered);

    [LoggerMessage(EventId = 36, Level = LogLevel.Warning, Message = "the set-up for exit traffic could not be put back; the next start tries again: {Problem}")]
    public static partial void ExitNotPutBack(this ILogger log, string problem);

    [LoggerMessage(EventId = 37, Level = LogLevel.Warning, Message = "the set-up for exit traffic is not whole; it is tried again: {Problem}")]
    public static partial void ExitProblem(this ILogger log, string problem);

    [LoggerMessage(EventId = 60, Level = LogLevel.Error, Message = "THE KILL SWITCH STAYS: nothing but the mesh's own packets leaves this machine, since nobody here asked for the end of the peer. The next start takes it over. To open the way by hand: tunnelmesh exit open{Flag}")]
    public static partial void ExitStaysClosed(this ILogger log, string flag);

    [LoggerMessage(EventId = 61, Level = LogLevel.Warning, Message = "the kill switch does not hold from a restart of the machine on until this peer is connected. To have the system close the way before there is a network: sudo tunnelmesh service install --force")]
    public static partial void ExitOpenAtBoot(this ILogger log);

    [LoggerMessage(EventId = 62, Level = LogLevel.Warning, Message = "another program has taken away rules for exit traffic, which are back. For an hour this is not said again")]
    public static partial void ExitRulesBack(this ILogger log);

    [LoggerMessage(EventId = 63, Level = LogLevel.Information, Message = "forwarding stays on, since others on this machine need it others={Others}")]
    public static partial void ExitForwardsOn(this ILogger log, string others);
}
