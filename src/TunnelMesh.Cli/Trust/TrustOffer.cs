using Microsoft.Extensions.Logging;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.Control;
using TunnelMesh.Platform.Processes;
using TunnelMesh.Platform.Trust;

namespace TunnelMesh.Cli.Trust;

/// <summary>Asks a person at the terminal, once for each mesh, whether the system shall trust its CA, while the peer runs on. Only where it could be done: by root, on a system that is known.</summary>
/// <param name="layout">Where files lie.</param>
/// <param name="context">The context.</param>
/// <param name="flag">The flag that names it in a line to type.</param>
/// <param name="terminal">Where the question goes.</param>
/// <param name="log">Told what fails.</param>
/// <param name="time">The clock.</param>
internal sealed class TrustOffer(HomeLayout layout, string context, string flag, TextWriter terminal, ILogger log, TimeProvider time)
{
    /// <summary>Asks and acts; what goes wrong is told, and is no failure of the peer.</summary>
    /// <param name="member">The membership.</param>
    /// <param name="cancel">Ends the question.</param>
    public async Task RunAsync(PeerMembership member, CancellationToken cancel)
    {
        if (!layout.IsRoot || !TerminalLine.CanAsk)
        {
            return;
        }
        try
        {
            TrustRecord record = TrustRecord.Of(layout, context);
            MeshTrust trust = MeshTrust.Of(member, record, TrustStore.ForThisSystem(null), "", time.GetUtcNow());
            if (record.WasOffered(trust.Anchor.Sha256) || trust.IsTrusted())
            {
                return;
            }
            record.NoteOffer(trust.Anchor.Sha256);
            await terminal.WriteAsync($"{trust.Describe(flag)}{Environment.NewLine}Have the programs of this system trust it? Not asked again; `tunnelmesh trust-ca{flag}` does it later. [y/N] ").ConfigureAwait(false);
            await terminal.FlushAsync(cancel).ConfigureAwait(false);
            if ((await TerminalLine.ReadAsync(cancel).ConfigureAwait(false))?.Trim().ToUpperInvariant() is not ("Y" or "YES"))
            {
                await terminal.WriteLineAsync("Nothing was changed.").ConfigureAwait(false);
                return;
            }
            await Task.Run(() => trust.Install(flag), CancellationToken.None).ConfigureAwait(false);
            await terminal.WriteLineAsync($"The system trusts {trust.Anchor.Subject} now: {trust.Place}").ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The peer stops.
        }
        catch (Exception e) when (ExitCodes.Of(e) is not null)
        {
            log.CaNotTrusted(e.Message);
        }
    }
}
