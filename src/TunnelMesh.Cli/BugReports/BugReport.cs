using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using TunnelMesh.Cli.Commands;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.Exit;
using TunnelMesh.Platform.Processes;
using TunnelMesh.Platform.Services;

namespace TunnelMesh.Cli.BugReports;

/// <summary>Gathers what helps to understand a problem of a peer. What cannot be had is said in its place and ends nothing.</summary>
/// <param name="environment">The environment; its token is hidden.</param>
/// <param name="layout">Where files lie.</param>
/// <param name="context">The context.</param>
/// <param name="configFile">The configuration in use, or null.</param>
internal sealed class BugReport(ProcessEnvironment environment, HomeLayout layout, string context, string? configFile)
{
    /// <summary>The table of routes that exit traffic takes.</summary>
    internal static readonly string ExitTable = ExitSetup.Table.ToString(CultureInfo.InvariantCulture);

    private const int MaxLogBytes = 2 << 20, MaxSecretBytes = 64 << 10;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Knows the secrets of this peer.</summary>
    public Redactor Redactor { get; } = new();

    /// <summary>Everything, uncleaned.</summary>
    /// <param name="logs">Files with logs.</param>
    /// <param name="cancel">Ends it.</param>
    public async Task<IReadOnlyList<BugReportPart>> GatherAsync(IReadOnlyList<string> logs, CancellationToken cancel)
    {
        Settings settings = ReadSettings(out string configuration);
        HideSecrets(settings);
        List<BugReportPart> parts = [new("system.txt", "program, system and environment", DescribeSystem()), new("config.txt", "keys of the configuration that are set", configuration)];
        parts.Add(await AskAsync("status.json", "state of the peer (status)", (c, stop) => c.StatusAsync(stop), LocalApiJson.Default.StatusReport, s => [s.DeviceId], cancel));
        parts.Add(await AskAsync("peers.json", "the other devices (peers)", (c, stop) => c.PeersAsync(stop), LocalApiJson.Default.IReadOnlyListPeerReport, p => p.Select(d => d.DeviceId), cancel));
        parts.Add(await AskAsync("netcheck.json", "how the network lets others in (netcheck)", (c, stop) => c.CheckNetworkAsync(stop), LocalApiJson.Default.NetCheckReport, _ => [], cancel));
        parts.Add(await AskAsync("doctor.json", "why devices are not reached directly (doctor)", (c, stop) => c.DiagnoseAsync(null, stop), LocalApiJson.Default.IReadOnlyListDiagnosisReport, _ => [], cancel));
        parts.Add(new("network.txt", "addresses, routes and rules of this machine", await NetworkAsync(cancel)));
        if (Directory.Exists("/run/systemd/system"))
        {
            string unit = ServiceUser.ServiceOf(layout, context);
            parts.Add(new("journal.log", $"log of the service {unit}", await RunAsync("journalctl", ["--unit", unit, "--lines", "5000", "--no-pager", "--output", "short-iso"], cancel)));
        }
        else if (ServiceManager.ForThisSystem(null).LogFile(ServiceUser.ServiceOf(layout, context)) is { } file && File.Exists(file))
        {
            parts.Add(new("service.log", $"the end of {file}, the log of the service", Tail(file)));
        }
        for (int i = 0; i < logs.Count; i++)
        {
            parts.Add(new($"log-{i + 1}.log", $"the end of {logs[i]}", Tail(logs[i])));
        }
        return parts;
    }

    private Settings ReadSettings(out string text)
    {
        StringBuilder keys = new();
        Settings settings = ContextDefaults.Of(context, new ContextStore(layout).NumberOf(context));
        try
        {
            if (configFile is not null)
            {
                settings = ConfigReader.ReadFile(configFile, (key, value) => keys.AppendLine(CultureInfo.InvariantCulture, $"{key.Path}: {value.Shown}"), settings);
            }
            text = $"{(configFile is null ? "no file: the defaults hold" : $"file: {configFile}")}{Environment.NewLine}{keys}";
        }
        catch (ConfigException e)
        {
            text = e.Message;
        }
        return settings;
    }

    // Read only to be found and taken out elsewhere.
    private void HideSecrets(Settings settings)
    {
        Redactor.Hide(environment.Token);
        foreach (string name in new[] { "HTTPS_PROXY", "https_proxy" })
        {
            // Written without http:// it is taken as well.
            string text = environment.Proxy(name) ?? "";
            if (Uri.TryCreate(text.Contains("://", StringComparison.Ordinal) ? text : $"http://{text}", UriKind.Absolute, out Uri? proxy))
            {
                Redactor.Hide(Uri.UnescapeDataString(proxy.UserInfo.Split(':', 2)[^1]));
                Redactor.Hide(proxy.UserInfo);
            }
        }
        string home = layout.ContextDirectory(context);
        foreach (string file in (string[])[layout.Expand(settings.PrivateKey, layout.IdentityKey), Path.Combine(home, "device.key"), Path.Combine(settings.CoordinatorDataDir, TokenSetup.FileName)])
        {
            Redactor.Hide(Quietly(file));
        }
        // The certificates behind the key are public.
        Redactor.Hide(Quietly(Path.Combine(home, "certificate.pem"))?.Split("-----END", 2)[0]);
    }

    private static string? Quietly(string file)
    {
        try
        {
            return new FileInfo(file) is { Exists: true, Length: <= MaxSecretBytes } ? File.ReadAllText(file) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private string DescribeSystem()
    {
        StringBuilder text = new();
        text.AppendLine(CultureInfo.InvariantCulture, $"tunnelmesh {Program.Version}");
        text.AppendLine(CultureInfo.InvariantCulture, $"{RuntimeInformation.OSDescription}, {RuntimeInformation.RuntimeIdentifier}, {RuntimeInformation.FrameworkDescription}, {Environment.ProcessorCount} processors");
        text.AppendLine(CultureInfo.InvariantCulture, $"now {DateTimeOffset.UtcNow:u}, {(Environment.IsPrivilegedProcess ? "privileged" : "not privileged")}, context {context}");
        foreach ((string name, string? value) in new[] { ("TUNNELMESH_HOME", environment.Home), ("TUNNELMESH_CONFIG", environment.Config), ("TUNNELMESH_LOG_LEVEL", environment.LogLevel), ("TUNNELMESH_SERVER", environment.Server) })
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{name} {value ?? "unset"}");
        }
        // Whether they are there is all that matters, and all that may be told.
        text.AppendLine(CultureInfo.InvariantCulture, $"TUNNELMESH_TOKEN {(environment.Token is null ? "unset" : "set")}");
        foreach (string name in new[] { "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy" })
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"{name} {(environment.Proxy(name) is null ? "unset" : "set")}");
        }
        return text.ToString();
    }

    private async Task<BugReportPart> AskAsync<T>(string name, string what, Func<LocalApiClient, CancellationToken, Task<T>> ask, JsonTypeInfo<T> type, Func<T, IEnumerable<string>> ids, CancellationToken cancel)
    {
        using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        late.CancelAfter(Patience);
        try
        {
            using LocalApiClient client = await QueryCommand.ConnectAsync(layout, context, late.Token);
            T answer = await ask(client, late.Token);
            foreach (string id in ids(answer))
            {
                Redactor.Show(id);
            }
            return new BugReportPart(name, what, JsonSerializer.Serialize(answer, type) + "\n");
        }
        catch (Exception e) when (ExitCodes.Of(e) is not null && !cancel.IsCancellationRequested)
        {
            return new BugReportPart(name, what, $"not to be had: {FailureReport.OneLine(e.Message)}\n");
        }
    }

    private static async Task<string> NetworkAsync(CancellationToken cancel)
    {
        StringBuilder text = new();
        string[][] asked = [["-brief", "address"], ["rule"], ["-6", "rule"], ["route"], ["-6", "route"], ["route", "show", "table", ExitTable], ["-6", "route", "show", "table", ExitTable]];
        foreach (string[] words in asked)
        {
            await AddAsync("ip", words);
        }
        foreach (string[] table in OwnTables(await AddAsync("nft", ["list", "tables"])))
        {
            await AddAsync("nft", ["list", .. table]);
        }
        return text.ToString();

        async Task<string> AddAsync(string program, string[] words)
        {
            string said = await RunAsync(program, words, cancel);
            text.AppendLine(CultureInfo.InvariantCulture, $"$ {program} {string.Join(' ', words)}").AppendLine(said);
            return said;
        }
    }

    /// <summary>Of all tables of nft(8) those that peers make; the rules of others are nobody's business.</summary>
    /// <param name="listed">As <c>nft list tables</c> says it.</param>
    /// <returns>The words that name each.</returns>
    internal static IReadOnlyList<string[]> OwnTables(string listed) =>
        [.. listed.Split('\n').Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(w => w is ["table", _, var name] && name.StartsWith("tunnelmesh", StringComparison.Ordinal))];

    private static async Task<string> RunAsync(string program, string[] arguments, CancellationToken cancel)
    {
        try
        {
            return await ProgramOutput.ReadAsync(program, arguments, Patience, cancel) ?? $"there is no {program} here\n";
        }
        catch (IOException e)
        {
            return $"{e.Message}\n";
        }
    }

    private static string Tail(string file)
    {
        try
        {
            using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            stream.Seek(-Math.Min(stream.Length, MaxLogBytes), SeekOrigin.End);
            byte[] end = new byte[Math.Min(stream.Length, MaxLogBytes)];
            return Encoding.UTF8.GetString(end, 0, stream.ReadAtLeast(end, end.Length, throwOnEndOfStream: false));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return $"not to be had: {e.Message}\n";
        }
    }
}
