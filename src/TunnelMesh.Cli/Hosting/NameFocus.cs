using TunnelMesh.Cli.Contexts;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Cli.Hosting;

/// <summary>
/// Which of the contexts that run from one home has the system ask it for names. All meshes have the same domains, so it is one at a time: the active context where its peer
/// runs, else the one that came first. Who has them shows by the journal that a peer holds while the system is set up, so nobody has them whose process has ended.
/// </summary>
/// <param name="layout">Where files lie.</param>
/// <param name="context">The context of this process.</param>
internal sealed class NameFocus(HomeLayout layout, string context)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private readonly ContextStore _contexts = new(layout);

    /// <summary>The journal of a context's set-up.</summary>
    public static string Journal(HomeLayout layout, string context) => Path.Combine(layout.ContextDirectory(context), "dns.json");

    /// <summary>What the peers of all homes of this machine share; null where this one cannot have the system, or cannot tell (only Linux has network namespaces and such a directory for all).</summary>
    public static SystemDnsTurn? Turn(HomeLayout layout, string context, TimeProvider time) =>
        OperatingSystem.IsLinux() && layout.IsRoot ? SystemDnsTurn.OfThisNetwork(HomeLayout.ServiceDirectory, $"{context} ({layout.Home})", time) : null;

    /// <summary>The context of this process.</summary>
    public string Context => context;

    /// <summary>True while this context is the active one.</summary>
    public bool IsChosen => layout.ActiveContext == context;

    /// <summary>The other context that has the system set up; null for none.</summary>
    public string? Holder() => _contexts.Names().FirstOrDefault(n => n != context && Has(layout, n));

    /// <summary>Whether the peer of a context has the system set up.</summary>
    public static bool Has(HomeLayout layout, string context)
    {
        using SystemDnsJournal journal = new(Journal(layout, context));
        return journal.IsHeld;
    }

    /// <summary>Of two that have set the system up at the same moment: whether this one undoes it.</summary>
    public bool GivesWayTo(string other) => layout.ActiveContext == other || (!IsChosen && string.CompareOrdinal(other, context) < 0);

    /// <summary>Makes this context the active one of its home.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Choose() => _contexts.Activate(context);

    /// <summary>Has the peer of another context put the system back.</summary>
    /// <returns>Why it did not; null when it has.</returns>
    public async Task<string?> AskToYieldAsync(string other, CancellationToken cancel)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        try
        {
            using LocalApiClient client = await LocalApiClient.ConnectAsync([layout.ControlSocket(other)], patience.Token).ConfigureAwait(false);
            DnsReport after = await client.YieldNamesAsync(context, patience.Token).ConfigureAwait(false);
            return after.System is null ? null : after.Problem ?? "It did not put the system back.";
        }
        catch (PeerNotRunningException)
        {
            // It ended meanwhile, and let go of the system with it.
            return null;
        }
        catch (Exception e) when (e is LocalApiException or IOException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return e.Message;
        }
    }
}
