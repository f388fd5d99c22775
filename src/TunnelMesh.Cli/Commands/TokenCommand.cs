using System.CommandLine;
using System.Globalization;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>token list|create|revoke</c>: what admits devices to the mesh. Runs on a coordinator.</summary>
internal static class TokenCommand
{
    /// <summary>The state of one that admits devices.</summary>
    internal const string Valid = "valid";

    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands) =>
        new("token", "Show, make and revoke the tokens that admit devices (on a coordinator)") { List(commands), Make(commands), Revoke(commands) };

    /// <summary>One line a token, the oldest first.</summary>
    /// <param name="tokens">All tokens.</param>
    /// <param name="all">False leaves out those that admit nobody any more, and says how many.</param>
    /// <param name="output">Where to.</param>
    internal static void Print(IReadOnlyList<TokenReport> tokens, bool all, TextWriter output)
    {
        TokenReport[] shown = [.. tokens.Where(t => all || t.State == Valid)];
        if (shown.Length == 0)
        {
            output.WriteLine("No token is valid, so no device can join. `tunnelmesh token create` makes one.");
        }
        else
        {
            HumanTable.Print(
                ["ID", "STATE", "ADMITTED", "EXPIRES", "ADDED", "IN TUNNELMESH_TOKEN"],
                shown.Select(t => new[]
                {
                    Number(t.Id), t.State.Replace('_', ' '), t.Uses is { } uses ? $"{Number(t.Admitted)} of {Number(uses)}" : Number(t.Admitted), t.Expires is { } end ? Time(end) : "never", Time(t.Added), t.Given ? "yes" : "no",
                }),
                output);
        }
        int left = tokens.Count - shown.Length;
        if (left > 0)
        {
            output.WriteLine($"{(left == 1 ? "One more admits" : $"{Number(left)} more admit")} nobody any more; --all shows {(left == 1 ? "it" : "them")}.");
        }
    }

    /// <summary>What became of a token, and what is left to do.</summary>
    internal static string Describe(TokenRevokeReport report)
    {
        List<string> lines = [$"Token {Number(report.Id)} is revoked: it admits nobody any more, now and after a restart."];
        if (report.Devices.Count > 0)
        {
            lines.Add($"Revoked with it: {string.Join(", ", report.Devices)}");
        }
        if (report.Given)
        {
            lines.Add("This coordinator was started with it: take it out of TUNNELMESH_TOKEN. It stays revoked there, too.");
        }
        if (report.FileRemoved is { } file)
        {
            lines.Add($"{file} held it and was removed.");
        }
        if (report.Problem is { } problem)
        {
            lines.Add(problem);
        }
        if (report.ValidTokens == 0)
        {
            lines.Add("No token is valid now, so no device can join. `tunnelmesh token create` makes one.");
        }
        return string.Join(Environment.NewLine, lines);
    }

    private static Command List(CommandContext commands)
    {
        Option<bool> all = new("--all") { Description = "Also those that are revoked, expired or used up" };
        Option<string> context = commands.ContextOption();
        Option<bool> json = QueryCommand.Json();
        Command command = new("list", "List the tokens by number, never their text") { all, context, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            using LocalApiClient client = await QueryCommand.ConnectAsync(commands.Layout, parsed.GetValue(context)!, cancellation);
            IReadOnlyList<TokenReport> tokens = await client.TokensAsync(cancellation);
            IReadOnlyList<TokenReport> shown = [.. tokens.Where(t => parsed.GetValue(all) || t.State == Valid)];
            return QueryCommand.Write(parsed, json, shown, LocalApiJson.Default.IReadOnlyListTokenReport, output => Print(tokens, parsed.GetValue(all), output));
        });
        return command;
    }

    private static Command Make(CommandContext commands)
    {
        Option<string?> expires = new("--expires") { Description = "How long it admits devices, from 1m to 3650d, such as 12h or 7d (default: until it is revoked)", HelpName = "DURATION" };
        Option<long?> uses = new("--uses") { Description = "How many devices it admits, 1 to 1000000 (default: any number)", HelpName = "N" };
        Option<string> context = commands.ContextOption();
        Option<bool> json = QueryCommand.Json();
        Command command = new("create", "Make a token and print it, this once") { expires, uses, context, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            TimeSpan? life = parsed.GetValue(expires) is not { } text ? null
                : Quantities.TryParseDuration(text, out TimeSpan duration) ? duration
                : throw new HostException(ExitCode.Usage, $"`{text}` is no duration for --expires: from 1m to 3650d, like 90m, 12h or 7d.");
            if ((TokenLimits.FaultOfLife(life?.TotalSeconds) ?? TokenLimits.FaultOfUses(parsed.GetValue(uses))) is { } fault)
            {
                throw new HostException(ExitCode.Usage, fault);
            }
            using LocalApiClient client = await QueryCommand.ConnectAsync(commands.Layout, parsed.GetValue(context)!, cancellation);
            NewTokenReport token = await client.CreateTokenAsync(life, parsed.GetValue(uses), cancellation);
            try
            {
                // The token alone is the output, so that a script can take it.
                QueryCommand.Write(parsed, json, token, LocalApiJson.Default.NewTokenReport, output => output.WriteLine(token.Token));
                await parsed.InvocationConfiguration.Output.FlushAsync(CancellationToken.None);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
            {
                throw await UnseenAsync(client, token.Id, e);
            }
            if (!parsed.GetValue(json))
            {
                string until = token.Expires is { } end ? $"until {Time(end)}" : $"until `tunnelmesh token revoke {Number(token.Id)}`";
                parsed.InvocationConfiguration.Error.WriteLine(
                    $"Token {Number(token.Id)} admits {(token.Uses is { } most ? most == 1 ? "one device" : $"{Number(most)} devices" : "any number of devices")}, {until}. It is not shown again: set it as TUNNELMESH_TOKEN on the machine that joins.");
            }
            return (int)ExitCode.Ok;
        });
        return command;
    }

    // Nothing shows it again, so whoever made it could not even tell it from others.
    private static async Task<HostException> UnseenAsync(LocalApiClient client, long id, Exception why)
    {
        string number = Number(id), problem = why.Message.TrimEnd('.');
        try
        {
            await client.RevokeTokenAsync(id, withPeers: false, CancellationToken.None);
            return new HostException(ExitCode.General, $"Token {number} could not be written to standard output ({problem}), so it was revoked again: it admits nobody. Make another one.", why);
        }
        catch (LocalApiException e)
        {
            return new HostException(ExitCode.General,
                $"Token {number} could not be written to standard output ({problem}), nor revoked again ({e.Message.TrimEnd('.')}). It may be valid, and nobody has seen it: tunnelmesh token list, then tunnelmesh token revoke {number}", why);
        }
    }

    private static Command Revoke(CommandContext commands)
    {
        Argument<long> id = new("id") { Description = "Number of the token, as `token list` shows it" };
        Option<bool> peers = new("--revoke-peers") { Description = "Revoke the devices that it has admitted, too" };
        Option<bool> yes = Confirmation.Yes();
        Option<string> context = commands.ContextOption();
        Option<bool> json = QueryCommand.Json();
        Command command = new("revoke", "End a token for good; the devices it has admitted stay unless you say otherwise") { id, peers, yes, context, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            using LocalApiClient client = await QueryCommand.ConnectAsync(commands.Layout, parsed.GetValue(context)!, cancellation);
            bool withPeers = parsed.GetValue(peers);
            // A new token is quickly made; a device that was revoked never comes back.
            if (withPeers && !parsed.GetValue(yes) && !Confirmation.Ask(
                $"Revoke token {Number(parsed.GetValue(id))} and every device that it has admitted? Their device keys can never come back.", parsed.InvocationConfiguration.Error))
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync("Nothing was revoked.");
                return (int)ExitCode.General;
            }
            TokenRevokeReport report = await client.RevokeTokenAsync(parsed.GetValue(id), withPeers, cancellation);
            return QueryCommand.Write(parsed, json, report, LocalApiJson.Default.TokenRevokeReport, output => output.WriteLine(Describe(report)));
        });
        return command;
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) + " UTC";
}
