using System.Globalization;
using System.Text;

namespace TunnelMesh.Platform.Services;

/// <summary>
/// The unit of systemd (systemd.unit(5), systemd.service(5), systemd.exec(5)) that runs a peer. Pure. Everything that a peer was seen to do without is taken
/// from it: of the capabilities of root it keeps the two without which there is no interface and no name service. That of a user is not root at all, and is given these two.
/// </summary>
public static class SystemdUnit
{
    /// <summary>First line of every unit of ours, by which it is known.</summary>
    public const string Marker = "# Written by `tunnelmesh service install`, which replaces it with --force; `systemctl edit` keeps changes of yours beside it.";

    /// <summary>First line of the unit that packages of the system carry; an administrator's own stands before it.</summary>
    public const string PackagedMarker = "# Part of the package tunnelmesh. `tunnelmesh service install` puts one of this machine's own before it; `systemctl edit` keeps changes beside it.";

    /// <summary>Longest time between two signs of life, in seconds.</summary>
    public const int WatchdogSeconds = 30;

    // Usage, configuration, rights, refusal, damaged state, other version (docs/cli.md): trying again brings the same answer.
    private const string FinalExitCodes = "2 3 4 6 9 10";

    private const string Affinity = " sched_setaffinity";
    private const string Capabilities = "CAP_NET_ADMIN CAP_NET_BIND_SERVICE", KernelSettingsStay = "ProtectKernelTunables=yes";

    /// <summary>Writes the unit.</summary>
    /// <param name="service">What it runs.</param>
    /// <param name="marker">Its first line, a comment that says whose it is.</param>
    /// <exception cref="ServiceException">A path or argument holds a control character, which no unit can name.</exception>
    public static string Write(ServiceDefinition service, string marker = Marker)
    {
        ArgumentNullException.ThrowIfNull(service);
        StringBuilder unit = new(2048);
        unit.Append($"{marker}\n[Unit]\nDescription=TunnelMesh peer{(service.Account is { } whose ? $" of {Specifier(whose.Name)}" : "")}, context {Specifier(service.Context)}\n");
        // What may set up names has to be there before the peer looks for it; the network itself may come later.
        unit.Append("After=network.target systemd-resolved.service NetworkManager.service\n");
        unit.Append("StartLimitIntervalSec=0\n");
        // A package that is removed takes the program and leaves the unit, which would be tried for ever.
        unit.Append($"ConditionFileIsExecutable={Specifier(service.Program)}\n");
        if (service is { Account: null, OnlyWhenExists: { } condition })
        {
            unit.Append($"ConditionPathExists={Specifier(condition)}\n");
        }
        if (service.Account is { } at)
        {
            unit.Append($"RequiresMountsFor={Quoted(at.Home)}\n");
        }

        if (service is { Account: null, NotWhenExists: { } obstacle })
        {
            unit.Append($"ConditionPathExists=!{Specifier(obstacle)}\n");
        }

        unit.Append("\n[Service]\nType=notify\nNotifyAccess=main\n");
        if (service.Account is { } account)
        {
            WriteAccount(unit, account, service);
        }
        if (service.MadeBeforeStart is { } directory)
        {
            // With all rights and outside of what the peer sees, which is made of what exists by then.
            unit.Append($"ExecStartPre=+/bin/mkdir -p -m 0700 {Argument(directory)}\n");
        }

        unit.Append($"ExecStart={string.Join(' ', service.Arguments.Select(Argument).Prepend(Quoted(service.Program)))}\n");
        foreach ((string name, string value) in service.Environment)
        {
            unit.Append($"Environment={Quoted($"{name}={value}")}\n");
        }

        unit.Append($"EnvironmentFile=-{Pattern(service.EnvironmentFile)}\n");
        unit.Append($"WatchdogSec={WatchdogSeconds}\nWatchdogSignal=SIGQUIT\nTimeoutStartSec=90\nTimeoutStopSec=20\n");
        unit.Append($"Restart=on-failure\nRestartSec=5\nRestartPreventExitStatus={FinalExitCodes}\n");
        unit.Append($"SyslogIdentifier={service.Name}\n");
        if (service.Group is { } group)
        {
            unit.Append($"SupplementaryGroups={group}\n");
        }

        if (service.Account is null)
        {
            unit.Append("\n# Peers of several contexts share the directory of the control sockets.\n");
            unit.Append("RuntimeDirectory=tunnelmesh\nRuntimeDirectoryMode=0755\nRuntimeDirectoryPreserve=yes\n");
        }

        unit.Append("ProtectSystem=strict\nProtectHome=tmpfs\nPrivateTmp=yes\n");
        foreach (string path in service.Writable)
        {
            // What a user may replace by a link is never bound: systemd follows it with all rights. To make it writable gives a user no more than is his.
            unit.Append(service.Account is null ? $"BindPaths={Bound(path)}\n" : $"ReadWritePaths={Quoted("-" + path)}\n");
        }

        foreach (string path in service.Readable)
        {
            unit.Append($"BindReadOnlyPaths={Bound(path)}\n");
        }

        if (service.Account is null)
        {
            unit.Append("\n# Names of the mesh are told to the system in one of these places, where it has them.\nReadWritePaths=-/etc/resolv.conf -/run/resolvconf\n");
        }

        unit.Append($"\n# The interface and its routes; port 53 at the mesh address, and ports below 1024 that you choose.\nCapabilityBoundingSet={Capabilities}\n");
        Harden(unit, service, "DevicePolicy=closed\nDeviceAllow=/dev/net/tun rw\nRestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", Affinity + (service.Group is null ? "" : " @chown"),
            service.ChangesKernelSettings ? "# Exit traffic: forwarding, and how strictly sources are checked.\nProtectKernelTunables=no" : KernelSettingsStay);
        return unit.Append("\n[Install]\nWantedBy=multi-user.target\n").ToString();
    }

    /// <summary>
    /// Writes the unit that closes the way to the internet before there is a network: after whatever loads rules of the system, which may empty all tables, and before what brings links up.
    /// </summary>
    /// <param name="service">The service, which opens the way again once it is connected, through its exit peer.</param>
    /// <exception cref="ServiceException">As for <see cref="Write"/>.</exception>
    public static string WriteBoot(ServiceDefinition service)
    {
        ArgumentNullException.ThrowIfNull(service);
        StringBuilder unit = new(1024);
        unit.Append($"{Marker}\n[Unit]\nDescription=TunnelMesh: nothing leaves before the peer is connected, context {Specifier(service.Context)}\nDefaultDependencies=no\n");
        unit.Append($"RequiresMountsFor={string.Join(' ', service.Writable.Take(1).Prepend(service.Program).Concat(service.Readable).Select(p => Quoted(p)))}\n");
        unit.Append("After=systemd-remount-fs.service nftables.service netfilter-persistent.service iptables.service ip6tables.service ufw.service\nWants=network-pre.target\nBefore=network-pre.target shutdown.target\nConflicts=shutdown.target\n");
        unit.Append($"ConditionFileIsExecutable={Specifier(service.Program)}\n");
        if (service.OnlyWhenExists is { } condition)
        {
            unit.Append($"ConditionPathExists={Specifier(condition)}\n");
        }

        unit.Append($"\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart={string.Join(' ', (service.AtBoot ?? []).Select(Argument).Prepend(Quoted(service.Program)))}\n");
        foreach ((string name, string value) in service.Environment)
        {
            unit.Append($"Environment={Quoted($"{name}={value}")}\n");
        }

        unit.Append($"EnvironmentFile=-{Pattern(service.EnvironmentFile)}\nTimeoutStartSec=30\nSyslogIdentifier={service.Name}\n");
        // No /tmp of its own: that would wait for all mounts, which may need the network. It writes its notes, and rules.
        unit.Append($"ProtectSystem=strict\nProtectHome=tmpfs\nBindPaths={string.Join(' ', service.Writable.Take(1).Select(Bound))}\n");
        foreach (string path in service.Readable)
        {
            unit.Append($"BindReadOnlyPaths={Bound(path)}\n");
        }

        unit.Append("CapabilityBoundingSet=CAP_NET_ADMIN\n");
        Harden(unit, service, "PrivateDevices=yes\nRestrictAddressFamilies=AF_UNIX AF_NETLINK\nIPAddressDeny=any", service.CompilesAtRunTime ? Affinity : "", KernelSettingsStay);
        return unit.Append("\n[Install]\nWantedBy=sysinit.target\n").ToString();
    }

    // What no unit of ours needs, around what they differ in.
    private static void Harden(StringBuilder unit, ServiceDefinition service, string devices, string calls, string settings)
    {
        unit.Append($"NoNewPrivileges=yes\n{devices}\nSystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources @setuid\n");
        // The runtime asks for as many open files as there may be; lanes stay on a processor while they are busy, and a runtime that compiles does not start without choosing its own; chown gives the control socket to the group, which root without its capabilities may do as a member.
        unit.Append($"SystemCallFilter=setrlimit prlimit64{calls}\n");
        unit.Append(
            """
            SystemCallErrorNumber=EPERM
            SystemCallArchitectures=native
            ProtectClock=yes
            ProtectControlGroups=yes
            ProtectHostname=yes
            ProtectKernelLogs=yes
            ProtectKernelModules=yes
            ProtectProc=invisible
            LockPersonality=yes
            RestrictNamespaces=yes
            RestrictRealtime=yes
            RestrictSUIDSGID=yes
            KeyringMode=private

            """);
        unit.Append($"{settings}\n");
        if (!service.CompilesAtRunTime)
        {
            unit.Append("MemoryDenyWriteExecute=yes\n");
        }
    }

    /// <summary>True for a text that <see cref="Write"/> made.</summary>
    public static bool IsOurs(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.StartsWith(Marker, StringComparison.Ordinal);
    }

    private static void WriteAccount(StringBuilder unit, ServiceAccount account, ServiceDefinition service)
    {
        // Names of directories of users may have what an older systemd takes for no name; a number is one always.
        bool plain = account.Name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') && (char.IsAsciiLetter(account.Name[0]) || account.Name[0] == '_');
        unit.Append(CultureInfo.InvariantCulture, $"User={(plain ? account.Name : account.Id)}\nAmbientCapabilities={Capabilities}\n");
        // By the user: conditions of the unit would be looked at by root, who follows links of the user's.
        if (service.OnlyWhenExists is { } condition)
        {
            unit.Append($"ExecCondition=/usr/bin/test -e {Argument(condition)}\n");
        }
        if (service.NotWhenExists is { } obstacle)
        {
            unit.Append($"ExecCondition=/usr/bin/test ! -e {Argument(obstacle)}\n");
        }
    }

    // A variable is expanded in arguments only; in the path of the program a dollar stands for itself.
    private static string Argument(string text) => Quoted(text).Replace("$", "$$", StringComparison.Ordinal);

    // A colon outside quotation marks would part the place from where it is mounted; and what does not exist is left out.
    private static string Bound(string path) => Quoted("-" + path, always: path.Contains(':', StringComparison.Ordinal));

    private static string Quoted(string text, bool always = false)
    {
        string plain = Specifier(text);
        return !always && plain.Length > 0 && plain.All(c => char.IsAsciiLetterOrDigit(c) || "/._-=:@%+,[]".Contains(c, StringComparison.Ordinal))
            ? plain
            : $"\"{plain.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
    }

    // A file of variables is named by a pattern (glob(7)), in which a backslash takes the meaning from what follows.
    private static string Pattern(string path) => string.Concat(Specifier(path).Select(c => "\\*?[".Contains(c, StringComparison.Ordinal) ? $"\\{c}" : $"{c}"));

    private static string Specifier(string text) => text.Any(char.IsControl)
        ? throw new ServiceException("A path or name with a control character in it cannot stand in a unit. Rename what has it.")
        : text.Replace("%", "%%", StringComparison.Ordinal);
}
