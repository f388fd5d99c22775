using System.Security.Cryptography;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Contexts;

/// <summary>Finds out how contexts are: from what is on disk, and from the peers that run. Changes nothing.</summary>
/// <param name="layout">Where files lie.</param>
internal sealed class ContextInspector(HomeLayout layout)
{
    /// <summary>States of a peer.</summary>
    public const string Running = "running", Starting = "starting", Stopped = "stopped", Forbidden = "forbidden";

    // A listing does not wait for a peer that hangs.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private readonly ContextStore _contexts = new(layout);

    /// <summary>The contexts of this home, the active one even when it is not here yet, and those that the system's own peers run for others.</summary>
    public IReadOnlyList<string> Names() =>
        [.. _contexts.Names().Append(layout.ActiveContext).Concat(layout.ServedContexts()).Distinct().OrderBy(n => n != ContextName.Default).ThenBy(n => n, StringComparer.Ordinal)];

    /// <summary>True for a context that is here, or may be without having been made.</summary>
    public bool Knows(string context) => context == ContextName.Default || Names().Contains(context);

    /// <summary>A question whether another context was meant, as <see cref="EditDistance.Hint"/> asks it.</summary>
    public string Hint(string context) => EditDistance.Hint(context, Names());

    /// <summary>How a context is.</summary>
    public async Task<ContextReport> InspectAsync(string context, CancellationToken cancel)
    {
        (string state, StatusReport? status) = await AskAsync(context, cancel).ConfigureAwait(false);
        bool here = _contexts.Exists(context);
        string directory = layout.ContextDirectory(context);
        List<string> problems = [];
        PeerMembership? member = null;
        Settings? settings = null;
        string? config = null;
        if (here)
        {
            member = Try(() => PeerStore.PeekMembership(directory), problems);
            config = ConfigFiles.FindUnnamed(layout.ContextConfig(context), layout.Home);
            settings = Try(() => config is null ? ContextDefaults.Of(context, _contexts.NumberOf(context)) : ConfigReader.ReadFile(config, defaults: ContextDefaults.Of(context, _contexts.NumberOf(context))), problems);
        }
        return new ContextReport
        {
            Name = context,
            Active = layout.ActiveContext == context,
            State = state,
            Names = status?.Dns.System is not null,
            Device = status?.Name ?? member?.Device.Name,
            DeviceId = status?.DeviceId ?? member?.Device.Id,
            MeshIp = status?.MeshIp ?? member?.Device.Ip,
            MeshIp6 = status?.MeshIp6 ?? member?.Device.Ip6,
            MeshId = member?.Mesh.MeshId,
            MeshCidr = status?.MeshCidr ?? member?.Mesh.Cidr,
            Coordinator = status?.Coordinator.Url["https://".Length..] ?? member?.Server,
            CaSha256 = member is null ? null : Convert.ToHexStringLower(SHA256.HashData(member.MeshRoot)),
            Interface = status?.Tun.Name ?? settings?.TunName,
            UdpPort = settings?.EffectiveUdpPort,
            SshPort = settings?.SshPort,
            DnsListen = settings?.DnsListen?.ToString(),
            Directory = here ? directory : null,
            Config = config,
            Socket = layout.ControlSocket(context),
            Service = ServiceUser.ServiceOf(layout, context),
            Problem = problems.Count > 0 ? string.Join(' ', problems) : null,
        };
    }

    /// <summary>Whether a peer of the context runs, and what it says of itself.</summary>
    public async Task<(string State, StatusReport? Status)> AskAsync(string context, CancellationToken cancel)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        try
        {
            using LocalApiClient client = await LocalApiClient.ConnectAsync(layout.ControlSockets(context), patience.Token).ConfigureAwait(false);
            return (Running, await client.StatusAsync(patience.Token).ConfigureAwait(false));
        }
        catch (PeerNotRunningException)
        {
            return (Stopped, null);
        }
        catch (LocalApiException e)
        {
            return (e.Code switch { LocalErrorCodes.Starting => Starting, LocalErrorCodes.Forbidden => Forbidden, _ => Running }, null);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return (Running, null);
        }
    }

    private static T? Try<T>(Func<T?> read, List<string> problems) where T : class
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is PeerStoreException or ConfigException or IOException or UnauthorizedAccessException)
        {
            problems.Add(e.Message);
            return null;
        }
    }
}
