using System.Globalization;

namespace TunnelMesh.Platform.Services;

/// <summary>systemd, by systemctl(1) and journalctl(1).</summary>
/// <param name="root">See <see cref="ServiceManager.ForThisSystem"/>.</param>
/// <param name="booted">Directory that exists while systemd runs the system (sd_booted(3)).</param>
/// <param name="runner">Runs its programs; by default as processes.</param>
public sealed class SystemdManager(string? root, string booted = "/run/systemd/system", IServiceRunner? runner = null) : CommandServiceManager(runner ?? new ServiceProgram())
{
    /// <inheritdoc/>
    public override string Name => "systemd";

    /// <inheritdoc/>
    public override string? Absence => root is not null ? $"The files lie below {root}, whose services do not run here."
        : Directory.Exists(booted) ? null
        : "systemd does not run this system (a container, perhaps, or another init). Have `tunnelmesh join` run in the foreground by what starts programs here.";

    /// <inheritdoc/>
    public override string EnvironmentFile(string context) => context == "default" ? "/etc/tunnelmesh/env.conf" : $"/etc/tunnelmesh/env-{context}.conf";

    /// <summary>Where secret variables of a user's service are kept: of root's alone, too, since a variable may have the loader run what it names.</summary>
    /// <param name="context">A label.</param>
    /// <param name="user">Login name.</param>
    public static string EnvironmentFile(string context, string user) => $"/etc/tunnelmesh/env{ServiceDefinition.NameOf(context, user)["tunnelmesh".Length..]}.conf";

    /// <inheritdoc/>
    public override string DescriptionFile(string name) => Below(root, $"/etc/systemd/system/{name}.service");

    /// <inheritdoc/>
    public override string? PackagedFile(string name) => Below(root, $"/usr/lib/systemd/system/{name}.service") is { } file && File.Exists(file) ? file : null;

    /// <inheritdoc/>
    public override string? BootFile(string name) => Below(root, $"/etc/systemd/system/{BootName(name)}.service");

    /// <inheritdoc/>
    public override string? DescribeBoot(ServiceDefinition service)
    {
        ArgumentNullException.ThrowIfNull(service);
        return service.AtBoot is null ? null : SystemdUnit.WriteBoot(service);
    }

    /// <inheritdoc/>
    public override string Describe(ServiceDefinition service) => SystemdUnit.Write(service);

    /// <inheritdoc/>
    public override bool IsOurs(string text) => SystemdUnit.IsOurs(text);

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Enable(ServiceDefinition service)
    {
        ArgumentNullException.ThrowIfNull(service);
        return [.. Absence is null ? (string[][])[["systemctl", "daemon-reload"]] : [], Control("enable", service.Name), .. service.AtBoot is null ? (IReadOnlyList<string>[])[] : [Control("enable", BootName(service.Name))]];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Disable(string name) =>
        [Absence is null ? ["systemctl", "disable", "--now", "--quiet", Unit(name)] : Control("disable", name), .. DisableBoot(name)];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> DisableBoot(string name) =>
        !File.Exists(BootFile(name)) ? [] : [Absence is null ? ["systemctl", "disable", "--now", "--quiet", Unit(BootName(name))] : Control("disable", BootName(name))];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Forget(string name) => Absence is null ? [["systemctl", "daemon-reload"]] : [];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Start(string name) => ["systemctl", "start", Unit(name)];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Stop(string name) => ["systemctl", "stop", Unit(name)];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Restart(string name) => [["systemctl", "restart", Unit(name)]];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Status(string name) => ["systemctl", "status", "--no-pager", "--full", Unit(name)];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Logs(string name, int lines, bool follow) =>
        ["journalctl", "--no-pager", "--unit", Unit(name), "--lines", lines.ToString(CultureInfo.InvariantCulture), .. follow ? (string[])["--follow"] : []];

    /// <inheritdoc/>
    public override bool? IsActive(string name) => Absence is null && Runner.Show(["systemctl", "is-active", "--quiet", Unit(name)]) == 0;

    // Enabling needs no running systemd: it makes a link.
    private IReadOnlyList<string> Control(string verb, string name) => root is null
        ? ["systemctl", verb, "--quiet", Unit(name)]
        : ["systemctl", "--root", Path.GetFullPath(root), verb, "--quiet", Unit(name)];

    // No name of a context has such a character.
    private static string BootName(string name) => $"{name}_closed";

    private static string Unit(string name) => $"{name}.service";
}
