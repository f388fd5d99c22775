using System.Globalization;

namespace TunnelMesh.Platform.Services;

/// <summary>launchd of macOS, by launchctl(1). Written from its documentation, and not yet run.</summary>
/// <param name="root">See <see cref="ServiceManager.ForThisSystem"/>.</param>
public sealed class LaunchdManager(string? root) : ServiceManager
{
    /// <inheritdoc/>
    public override string Name => "launchd";

    /// <inheritdoc/>
    public override string? Absence => root is null ? null : $"The files lie below {root}, whose services do not run here.";

    /// <inheritdoc/>
    public override string EnvironmentFile(string context) => context == "default" ? "/etc/tunnelmesh/env.conf" : $"/etc/tunnelmesh/env-{context}.conf";

    /// <inheritdoc/>
    public override string DescriptionFile(string name) => Below(root, $"/Library/LaunchDaemons/{LaunchdPlist.Label(name)}.plist");

    /// <inheritdoc/>
    public override string Describe(ServiceDefinition service) => LaunchdPlist.Write(service);

    /// <inheritdoc/>
    public override bool IsOurs(string text) => LaunchdPlist.IsOurs(text);

    /// <inheritdoc/>
    // Its directory is read at each start of the system.
    public override IReadOnlyList<IReadOnlyList<string>> Enable(ServiceDefinition service) => [];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Disable(string name) => Absence is null ? [Stop(name)] : [];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Forget(string name) => [];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Start(string name) => ["launchctl", "bootstrap", "system", DescriptionFile(name)];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Stop(string name) => ["launchctl", "bootout", Target(name)];

    /// <inheritdoc/>
    // It is told of a changed list by taking the old one out, which fails where there was none.
    public override IReadOnlyList<IReadOnlyList<string>> Restart(string name) =>
        [["/bin/sh", "-c", "launchctl bootout \"$0\" 2>/dev/null; exec launchctl bootstrap system \"$1\"", Target(name), DescriptionFile(name)]];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Status(string name) => ["launchctl", "print", Target(name)];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Logs(string name, int lines, bool follow) =>
        ["tail", "-n", lines.ToString(CultureInfo.InvariantCulture), .. follow ? (string[])["-F"] : [], LaunchdPlist.LogFile(name)];

    private static string Target(string name) => $"system/{LaunchdPlist.Label(name)}";
}
