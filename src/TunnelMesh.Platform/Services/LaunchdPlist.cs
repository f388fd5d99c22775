using System.Globalization;
using System.Text;

namespace TunnelMesh.Platform.Services;

/// <summary>The property list of launchd (launchd.plist(5)) that runs a peer on macOS. Pure; written from its documentation, and not yet run.</summary>
public static class LaunchdPlist
{
    /// <summary>A line in every list of ours, by which it is known.</summary>
    public const string Marker = "<!-- Written by `tunnelmesh service install`, which replaces it when it is forced to. -->";

    // A file without which there is nothing to run, and one with which there is nothing; then secrets are read from a file of root's at the start: the list itself is for everybody's eyes. Everything beside the script is an argument, so nothing is parsed twice.
    private const string Shell = "[ -e \"$1\" ] && [ ! -e \"$2\" ] || exit 0; shift 2; set -a; [ ! -r \"$0\" ] || . \"$0\"; set +a; exec \"$@\"";

    /// <summary>The label of a service.</summary>
    /// <param name="name">Name of the service.</param>
    public static string Label(string name) => $"io.tunnelmesh.{name}";

    /// <summary>Where the service's output goes.</summary>
    /// <param name="name">Name of the service.</param>
    public static string LogFile(string name) => $"/var/log/{name}.log";

    /// <summary>Writes the list.</summary>
    /// <param name="service">What it runs.</param>
    /// <exception cref="ServiceException">A path or argument holds a control character.</exception>
    public static string Write(ServiceDefinition service)
    {
        ArgumentNullException.ThrowIfNull(service);
        StringBuilder list = new(1024);
        list.Append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").Append(Marker).Append('\n');
        list.Append("<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n");
        Pair(list, "Label", Label(service.Name));
        list.Append("  <key>ProgramArguments</key>\n  <array>\n");
        foreach (string argument in (string[])["/bin/sh", "-c", Shell, service.EnvironmentFile, service.OnlyWhenExists ?? "/", service.NotWhenExists ?? "", service.Program, .. service.Arguments])
        {
            list.Append(CultureInfo.InvariantCulture, $"    <string>{Text(argument)}</string>\n");
        }

        list.Append("  </array>\n");
        if (service.Environment.Count > 0)
        {
            list.Append("  <key>EnvironmentVariables</key>\n  <dict>\n");
            foreach ((string name, string value) in service.Environment)
            {
                list.Append(CultureInfo.InvariantCulture, $"    <key>{Text(name)}</key>\n    <string>{Text(value)}</string>\n");
            }

            list.Append("  </dict>\n");
        }

        list.Append("  <key>RunAtLoad</key>\n  <true/>\n");
        // Started again after a failure, not after an end in order (`leave`).
        list.Append("  <key>KeepAlive</key>\n  <dict>\n    <key>SuccessfulExit</key>\n    <false/>\n  </dict>\n");
        list.Append("  <key>ThrottleInterval</key>\n  <integer>10</integer>\n  <key>ExitTimeOut</key>\n  <integer>20</integer>\n");
        Pair(list, "StandardOutPath", LogFile(service.Name));
        Pair(list, "StandardErrorPath", LogFile(service.Name));
        return list.Append("</dict>\n</plist>\n").ToString();
    }

    /// <summary>True for a text that <see cref="Write"/> made.</summary>
    public static bool IsOurs(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Contains(Marker, StringComparison.Ordinal);
    }

    private static void Pair(StringBuilder list, string key, string value) =>
        list.Append(CultureInfo.InvariantCulture, $"  <key>{key}</key>\n  <string>{Text(value)}</string>\n");

    private static string Text(string text) => text.Any(char.IsControl)
        ? throw new ServiceException("A path or name with a control character in it cannot stand in a property list. Rename what has it.")
        : text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace(">", "&gt;", StringComparison.Ordinal);
}
