using System.Globalization;

namespace TunnelMesh.Platform.Services;

/// <summary>launchd of macOS, by launchctl(1). Written from its documentation, and not yet run.</summary>
/// <param name="root">See <see cref="ServiceManager.ForThisSystem"/>.</param>
/// <param name="runner">Runs its programs; by default as processes.</param>
/// <param name="time">The clock, by which it is waited for.</param>
public sealed class LaunchdManager(string? root, IServiceRunner? runner = null, TimeProvider? time = null) : CommandServiceManager(runner ?? new ServiceProgram())
{
    // The list gives a peer 20 s to end, then it is killed.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30), Pause = TimeSpan.FromMilliseconds(200);
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <inheritdoc/>
    public override string Name => "launchd";

    /// <inheritdoc/>
    public override string? Absence => root is null ? null : $"The files lie below {root}, whose services do not run here.";

    /// <inheritdoc/>
    public override string EnvironmentFile(string context) => context == "default" ? "/etc/tunnelmesh/env.conf" : $"/etc/tunnelmesh/env-{context}.conf";

    /// <inheritdoc/>
    public override string DescriptionFile(string name) => Below(root, $"/Library/LaunchDaemons/{LaunchdPlist.Label(name)}.plist");

    /// <inheritdoc/>
    public override string LogFile(string name) => LaunchdPlist.LogFile(name);

    /// <inheritdoc/>
    public override string Describe(ServiceDefinition service) => LaunchdPlist.Write(service);

    /// <inheritdoc/>
    public override bool IsOurs(string text) => LaunchdPlist.IsOurs(text);

    /// <inheritdoc/>
    // Its directory is read at each start of the system; a label that somebody had disabled would be passed over.
    public override IReadOnlyList<IReadOnlyList<string>> Enable(ServiceDefinition service)
    {
        ArgumentNullException.ThrowIfNull(service);
        return Absence is null ? [["launchctl", "enable", Target(service.Name)]] : [];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Disable(string name) => Absence is null ? [Stop(name)] : [];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Forget(string name) => [];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Start(string name) => ["launchctl", "bootstrap", "system", DescriptionFile(name)];

    /// <summary>Starts one that is loaded and has ended.</summary>
    public static IReadOnlyList<string> Kick(string name) => ["launchctl", "kickstart", Target(name)];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Stop(string name) => ["launchctl", "bootout", Target(name)];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Restart(string name) => [Stop(name), Start(name)];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Status(string name) => ["launchctl", "print", Target(name)];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Logs(string name, int lines, bool follow) =>
        ["tail", "-n", lines.ToString(CultureInfo.InvariantCulture), .. follow ? (string[])["-F"] : [], LogFile(name)];

    /// <inheritdoc/>
    public override void Unregister(string name)
    {
        if (Absence is null)
        {
            StopNow(name);
        }
    }

    /// <inheritdoc/>
    public override void StartNow(string name)
    {
        if (Ask(name) is not { } status)
        {
            Runner.Run(Start(name));
        }
        else if (!status.IsRunning)
        {
            Runner.Run(Kick(name));
        }
    }

    /// <inheritdoc/>
    public override void StopNow(string name)
    {
        if (Ask(name) is null)
        {
            return;
        }

        (int code, string said) = Runner.Ask(Stop(name));
        // It may answer before the process has ended (36, in progress), and a new one cannot be loaded until it has.
        long began = _time.GetTimestamp();
        while (Ask(name) is not null)
        {
            if (code is not (0 or 36))
            {
                throw new ServiceException($"`{string.Join(' ', Stop(name))}` failed with code {code}: {said.Trim().ReplaceLineEndings(" ")}");
            }

            if (_time.GetElapsedTime(began) > Patience)
            {
                throw new ServiceException($"launchd has not ended the service {name} within {Patience.TotalSeconds:0} s. Try again, or see: launchctl print {Target(name)}");
            }

            Task.Delay(Pause, _time).GetAwaiter().GetResult();
        }
    }

    /// <inheritdoc/>
    // A list that has changed is read only when it is loaded.
    public override void RestartNow(string name)
    {
        StopNow(name);
        Runner.Run(Start(name));
    }

    /// <inheritdoc/>
    public override bool ShowStatus(string name, TextWriter output)
    {
        ArgumentNullException.ThrowIfNull(output);
        LaunchdStatus? status = Ask(name);
        output.WriteLine($"{LaunchdPlist.Label(name)}: {status?.ToString() ?? "stopped (not loaded), starts with the system"}");
        return status?.IsRunning == true;
    }

    /// <inheritdoc/>
    public override bool? IsActive(string name) => Absence is null && Ask(name)?.IsRunning == true;

    // Null when it is not loaded.
    private LaunchdStatus? Ask(string name) => Runner.Ask(Status(name)) is (0, string text) ? LaunchdStatus.Parse(text) : null;

    private static string Target(string name) => $"system/{LaunchdPlist.Label(name)}";
}
