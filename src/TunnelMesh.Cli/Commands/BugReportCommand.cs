using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using TunnelMesh.Cli.BugReports;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Cli.Commands;

/// <summary><c>bugreport</c>: everything that helps to understand a problem, without secrets, in one file.</summary>
internal static class BugReportCommand
{
    /// <summary>Builds the command.</summary>
    public static Command Create(CommandContext commands)
    {
        Option<string?> file = new("--output") { Description = "The file to write (default: tunnelmesh-bugreport-TIME.tar.gz here)", HelpName = "FILE" };
        Option<string[]> logs = new("--log") { Description = "A file with the log of the peer; may be given several times", DefaultValueFactory = _ => [], HelpName = "FILE" };
        Option<string> context = commands.ContextOption();
        Option<bool> json = QueryCommand.Json();
        Command command = new("bugreport", "Gather logs, state and configuration without secrets into one file") { file, logs, context, json };
        command.SetAction(async (parsed, cancellation) =>
        {
            DateTimeOffset now = TimeProvider.System.GetUtcNow();
            string path = parsed.GetValue(file) ?? $"tunnelmesh-bugreport-{now.UtcDateTime.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}.tar.gz";
            if (Path.Exists(path))
            {
                throw new HostException(ExitCode.General, $"{path} exists already. Name another file in --output.");
            }
            string which = parsed.GetValue(context)!;
            BugReport report = new(commands.Environment, commands.Layout, which, commands.FindConfig(parsed, which));
            IReadOnlyList<BugReportPart> parts = await report.GatherAsync(parsed.GetValue(logs)!, cancellation);
            IReadOnlyList<BugReportFile> written = BugReportArchive.Write(path, parts, report.Redactor, now);
            TextWriter output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(json))
            {
                output.WriteLine(JsonSerializer.Serialize(new BugReportSummary { File = path, Files = written, LeftOut = report.Redactor.Count }, BugReportJson.Default.BugReportSummary));
                return (int)ExitCode.Ok;
            }
            HumanTable.Print(["FILE", "SIZE", "WHAT"], written.Select(f => new[] { f.Name, HumanText.Bytes(f.Bytes), f.What }), output);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Left out because it is or looks like a secret: {report.Redactor.Count} parts."));
            output.WriteLine($"Wrote {path}, for you alone to read. It names devices and addresses: look at it before you send it, with `tar -xzOf {path} | less`.");
            return (int)ExitCode.Ok;
        });
        return command;
    }
}
