using System.CommandLine;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Cli.Trust;
using TunnelMesh.Node.Control;
using TunnelMesh.Platform.Trust;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>trust-ca</c>: has the system trust the mesh's own CA, or trust it no more. Never without being told to.</summary>
internal static class TrustCaCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Option<bool> remove = new("--remove") { Description = "Take it out of the system" };
        Option<bool> yes = Confirmation.Yes();
        Option<string> context = commands.ContextOption();
        // For images of systems, and for tests: what lies below a directory is changed.
        Option<string?> root = new("--root") { Description = "Work on the system below this directory", Hidden = true, HelpName = "DIR" };
        Command command = new("trust-ca", "Have the programs of this system trust the CA of the mesh, or trust it no more") { remove, yes, context, root };
        command.SetAction(async parsed =>
        {
            string which = ContextName.Require(parsed.GetValue(context)!);
            TrustRecord record = TrustRecord.Of(commands.Layout, which);
            string? below = parsed.GetValue(root);
            TrustStore? store = TrustStore.ForThisSystem(below);
            InvocationConfiguration streams = parsed.InvocationConfiguration;
            string flag = commands.Flag(which);
            if (parsed.GetValue(remove))
            {
                await streams.Output.WriteLineAsync(Remove(commands, which, record, store, below));
                return (int)ExitCode.Ok;
            }
            MeshTrust trust = Prepare(commands, which, record, store);
            if (trust.IsTrusted())
            {
                await streams.Output.WriteLineAsync($"The system trusts {trust.Anchor.Subject} already: {trust.Place}");
                return (int)ExitCode.Ok;
            }
            RequireRoot(commands, below);
            await streams.Error.WriteLineAsync(trust.Describe(flag));
            if (!parsed.GetValue(yes) && !Confirmation.Ask("Have the programs of this system trust it?", streams.Error))
            {
                await streams.Error.WriteLineAsync("Nothing was changed.");
                return (int)ExitCode.General;
            }
            trust.Install(flag);
            await streams.Output.WriteLineAsync($"The system trusts {trust.Anchor.Subject} now: {trust.Place}");
            return (int)ExitCode.Ok;
        });
        return command;
    }

    private static MeshTrust Prepare(CommandContext commands, string context, TrustRecord record, TrustStore? store)
    {
        string directory = commands.Layout.ContextDirectory(context);
        PeerMembership member = (Directory.Exists(directory) ? PeerStore.PeekMembership(directory) : null) ?? throw new HostException(ExitCode.NotRunning,
            $"The context {context} is a member of no mesh{(commands.Layout.IsRoot ? "" : " as far as this user can see (a peer that root runs keeps its membership in root's home)")}, so there is no CA to trust. Join one first: tunnelmesh join HOST:PORT --context {context}");
        return MeshTrust.Of(member, record, store, Path.Combine(directory, "ca.pem"), TimeProvider.System.GetUtcNow());
    }

    // By the record, so that it works when the mesh was left; without one, by the membership.
    private static string Remove(CommandContext commands, string context, TrustRecord record, TrustStore? store, string? below)
    {
        byte[]? certificate = record.Load() ?? commands.Contexts.Membership(context)?.MeshRoot;
        if (certificate is null || store is null)
        {
            return $"The system was given no CA of the context {context}, so there was nothing to take out.";
        }
        TrustAnchor anchor = new(certificate);
        bool there = store.Has(anchor);
        if (!there && record.Load() is null)
        {
            return $"The system does not trust {anchor.Subject}, so there was nothing to take out.";
        }
        RequireRoot(commands, below);
        if (there)
        {
            store.Remove(anchor);
        }
        record.Clear();
        return there ? $"The system trusts {anchor.Subject} no more: it was taken out of {store.Place(anchor)}" : $"{anchor.Subject} was taken out by somebody else already.";
    }

    private static void RequireRoot(CommandContext commands, string? below)
    {
        if (below is null && !commands.Layout.IsRoot)
        {
            throw new HostException(ExitCode.Permission, "What every program of the system trusts is changed by root only. Run this as root (Windows: as an administrator).");
        }
    }
}
