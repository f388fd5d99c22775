using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Cli.Hosting;

/// <summary>How this device comes to be a member: it serves the mesh, it is one already, or it joins now.</summary>
internal sealed record MembershipStep
{
    /// <summary>The membership, kept on disk.</summary>
    public required PeerMembership Membership { get; init; }
    /// <summary>The client certificate, or null: the control stream renews first.</summary>
    public PeerCertificate? Certificate { get; init; }
    /// <summary>What the control stream dials and says.</summary>
    public required JoinRequest Request { get; init; }
    /// <summary>True when this device has just joined, so that the coordinator is there and knows it.</summary>
    public bool JustJoined { get; init; }

    /// <summary>Of a device whose own process is the coordinator.</summary>
    /// <exception cref="IOException">A membership that is not on disk yet cannot be written.</exception>
    public static async Task<MembershipStep> ServeAsync(PeerHostOptions options, IdentityKey identity, StoredPeer stored, PeerStore store, HostedCoordinator coordinator)
    {
        if (stored.IsMember)
        {
            Update(store, coordinator.Membership, options.Log);
        }
        else
        {
            store.SaveMembership(coordinator.Membership);
        }
        if (NameNote(options, coordinator.Membership) is { } note)
        {
            await options.Error.WriteLineAsync(note).ConfigureAwait(false);
        }
        return new MembershipStep
        {
            Membership = coordinator.Membership,
            Certificate = null,
            Request = Ask(options, identity, stored, coordinator.Server),
            JustJoined = true,
        };
    }

    /// <summary>
    /// Of a device that goes to a coordinator elsewhere. <paramref name="tryDevices"/> is called before it joins: a coordinator keeps name and
    /// address of whoever joins, so a machine that can have no socket or interface must not get that far.
    /// </summary>
    /// <exception cref="ControlException">The coordinator refused or is away.</exception>
    /// <exception cref="HostException">There is no token, or no coordinator to go to.</exception>
    public static async Task<MembershipStep> GoAsync(PeerHostOptions options, IdentityKey identity, StoredPeer stored, PeerStore store, Action tryDevices, CancellationToken cancel)
    {
        CoordinatorAddress server = options.Server ?? Remembered(stored);
        JoinRequest request = Ask(options, identity, stored, server);
        if (stored.IsMember && !options.Rejoin)
        {
            RequirePin(options, stored.Membership!);
            if (NameNote(options, stored.Membership!) is { } kept)
            {
                await options.Error.WriteLineAsync(kept).ConfigureAwait(false);
            }
            return new MembershipStep { Membership = stored.Membership!, Certificate = stored.Certificate, Request = request };
        }
        if (!MeshToken.TryParse(options.Token, out string token, out string error))
        {
            throw new HostException(ExitCode.Configuration, options.Token is null
                ? $"Joining {server} needs the mesh token, and TUNNELMESH_TOKEN is not set. Set it to a token of the mesh: the one the coordinator was started with (made by: openssl rand -hex 32), or one that `tunnelmesh token create` made there."
                : error);
        }
        // Whoever was pinned once stays pinned: a membership without its device key still names the mesh.
        byte[]? pin = options.CaPin ?? (stored.Membership is { } before ? SHA256.HashData(before.MeshRoot) : null);
        JoinResult joined = await new CoordinatorClient(options.Time).JoinAsync(request with { CaPin = pin }, token, Try, cancel).ConfigureAwait(false);
        PeerMembership membership = new() { Server = server.ToString(), Mesh = joined.Mesh, Device = joined.Device, MeshRoot = joined.MeshRoot };
        WarnOfRange(options, joined.Mesh.Cidr);
        store.SaveCertificate(joined.Certificate);
        store.SaveMembership(membership);
        options.Log.Joined(membership.Server, joined.Mesh.MeshId, joined.Device.Name, joined.Device.Ip);
        if (joined.NameNote is { } note)
        {
            await options.Error.WriteLineAsync(note).ConfigureAwait(false);
        }
        return new MembershipStep { Membership = membership, Certificate = joined.Certificate, Request = request with { Name = joined.Device.Name }, JustJoined = true };

        // The root names the ranges that it may sign for: those of the mesh.
        void Try(X509Certificate2 root)
        {
            foreach (IPNetwork range in (PermittedNames.Of(root)?.Ranges ?? []).Where(r => r.BaseAddress.AddressFamily == AddressFamily.InterNetwork))
            {
                options.Range.Check(range.ToString());
            }
            tryDevices();
        }
    }

    /// <summary>Keeps what has changed of a membership that is on disk; where it cannot be written, the next start begins from what is there.</summary>
    /// <param name="store">Where.</param>
    /// <param name="membership">As it is now.</param>
    /// <param name="log">Told when it cannot be written.</param>
    public static void Update(PeerStore store, PeerMembership membership, ILogger log)
    {
        try
        {
            store.SaveMembership(membership);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.StateNotWritten(e);
        }
    }

    /// <summary>What to tell of a name that was asked for and that the device cannot get, since it has one; null for nothing. No coordinator renames a device.</summary>
    /// <param name="options">What the peer is started with.</param>
    /// <param name="member">The membership there is.</param>
    internal static string? NameNote(PeerHostOptions options, PeerMembership member)
    {
        // With a number behind it where another device had the name first, which was told at the join.
        if (options.AskedName is not { } asked || asked == member.Device.Name || (member.Device.Name.StartsWith($"{asked}-", StringComparison.Ordinal) && member.Device.Name.AsSpan(asked.Length + 1).IndexOfAnyExceptInRange('0', '9') < 0))
        {
            return null;
        }
        string flag = ContextName.Flag(options.Context, options.Layout.ActiveContext);
        return $"This device keeps its name {member.Device.Name}, which it has in its mesh; {asked} is not used. " + (member.Device.Coordinator
            ? "A coordinator keeps the name that it founded its mesh with."
            : $"To get that name, if no other device has it, leave the mesh and join it anew, as a new device: tunnelmesh leave{flag}, then tunnelmesh join {member.Server} --name {asked}{flag}");
    }

    // Both may be members, and take turns.
    private static void WarnOfRange(PeerHostOptions options, string cidr)
    {
        foreach ((string other, IPNetwork range) in options.Range.Overlapping(IPNetwork.Parse(cidr)))
        {
            string theirs = range.ToString();
            options.Log.RangeOfContext(cidr, other, theirs);
        }
    }

    private static CoordinatorAddress Remembered(StoredPeer stored) => CoordinatorAddress.TryParse(stored.Membership?.Server, out CoordinatorAddress? server)
        ? server
        : throw new HostException(ExitCode.Usage,
            "This machine serves no mesh (coordinator.enabled is false) and has joined none, so `join` needs the coordinator: tunnelmesh join HOST:PORT");

    private static void RequirePin(PeerHostOptions options, PeerMembership member)
    {
        if (options.CaPin is { } pin && !SHA256.HashData(member.MeshRoot).AsSpan().SequenceEqual(pin))
        {
            throw new HostException(ExitCode.Refused,
                $"The context {options.Context} is a member of a mesh with another root than --ca-pin names ({Convert.ToHexStringLower(SHA256.HashData(member.MeshRoot))}). " +
                "Use another --context to join another mesh; nothing was changed.");
        }
    }

    private static JoinRequest Ask(PeerHostOptions options, IdentityKey identity, StoredPeer stored, CoordinatorAddress server) => new()
    {
        Server = server,
        Identity = identity,
        Device = stored.Device,
        Name = options.Name,
        Dialling = options.Dialling,
        ProgramVersion = options.Version,
    };
}
