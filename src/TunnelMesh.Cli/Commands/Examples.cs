namespace TunnelMesh.Cli.Commands;

/// <summary>How each command is used, for its help, its man page and the tests, which parse every line.</summary>
internal static class Examples
{
    private static readonly Dictionary<string, (string Line, string What)[]> ByCommand = new()
    {
        ["join"] =
        [
            ("tunnelmesh join", "Found a mesh on this machine, and serve it"),
            ("tunnelmesh join mesh.example.com", "Join the mesh of that coordinator; the token is in TUNNELMESH_TOKEN"),
            ("tunnelmesh join mesh.example.com --exit-node berlin", "Have the traffic to the internet leave through that peer"),
            ("tunnelmesh join 192.0.2.1:443 --name nas --context work", "Join a second mesh over port 443, under another name"),
        ],
        ["init"] =
        [
            ("tunnelmesh init", "Make the identity key if there is none"),
            ("tunnelmesh init --peer --output peer.yaml", "Write a commented configuration, too"),
        ],
        ["status"] = [("tunnelmesh status", "How this peer is doing"), ("tunnelmesh status --json --context work", "The same of another context, for a program")],
        ["peers"] = [("tunnelmesh peers", "The other devices, and how they are reached"), ("tunnelmesh peers --json", "The same for a program")],
        ["resolve"] = [("tunnelmesh resolve nas", "Addresses of a device"), ("tunnelmesh resolve this.tm", "Addresses of the coordinators")],
        ["ping"] = [("tunnelmesh ping nas", "Until Ctrl-C, a line for each answer"), ("tunnelmesh ping nas --until-direct --timeout 10s", "Wait for a direct path, ten seconds at most")],
        ["netcheck"] = [("tunnelmesh netcheck", "NAT, ports and relay of this network")],
        ["doctor"] = [("tunnelmesh doctor", "Every device there was traffic with"), ("tunnelmesh doctor nas", "One device, which is tried first")],
        ["leave"] = [("tunnelmesh leave", "Leave the mesh for good"), ("tunnelmesh leave --force", "Forget it here, also when the coordinator is away")],
        ["revoke"] = [("tunnelmesh revoke laptop", "Throw out one device"), ("tunnelmesh revoke --user laptop --yes", "Throw out its user with all devices, without being asked")],
        ["token list"] = [("tunnelmesh token list", "Those that admit devices"), ("tunnelmesh token list --all --json", "All of them, for a program")],
        ["token create"] =
        [
            ("tunnelmesh token create", "One that counts until it is revoked"),
            ("tunnelmesh token create --expires 1h --uses 1", "One for one device, within the hour"),
        ],
        ["token revoke"] =
        [
            ("tunnelmesh token revoke 1", "Token 1 admits nobody any more; whom it admitted stays"),
            ("tunnelmesh token revoke 1 --revoke-peers", "It has leaked: what it admitted goes, too"),
        ],
        ["transport"] =
        [
            ("tunnelmesh transport", "Every order that is set"),
            ("tunnelmesh transport nas ssh,udp,relay", "SSH first, to and from nas"),
            ("tunnelmesh transport nas default --with laptop", "Take the order of a pair away"),
        ],
        ["group list"] = [("tunnelmesh group list", "All groups of users, and how many are in each"), ("tunnelmesh group list --json", "The same for a program")],
        ["group create"] = [("tunnelmesh group create ops", "For rules of the packet filter about group:ops")],
        ["group delete"] = [("tunnelmesh group delete ops", "Rules about group:ops are about nobody then")],
        ["group members"] = [("tunnelmesh group members ops", "Who is in it, with which devices"), ("tunnelmesh group members all_admin_users --json", "Of a built-in one, for a program")],
        ["group add-member"] =
        [
            ("tunnelmesh group add-member ops laptop", "The user of laptop, with all devices of theirs"),
            ("tunnelmesh group add-member ops 3f9c0a1b2c3d4e5f", "The same by peer ID"),
        ],
        ["group remove-member"] = [("tunnelmesh group remove-member ops laptop", "Rules about group:ops are not about that user any more")],
        ["filter list"] = [("tunnelmesh filter list", "All rules, and how often each has decided"), ("tunnelmesh filter list --json", "The same for a program")],
        ["filter add"] =
        [
            ("tunnelmesh filter add --protocol tcp --port 22 --source-peer laptop --ttl 1h", "Let one device in by SSH for an hour"),
            ("tunnelmesh filter add --action deny --source-peer guest", "Nothing of guest, whatever other rules allow"),
        ],
        ["filter remove"] = [("tunnelmesh filter remove --protocol tcp --port 22 --source-peer laptop", "Take the rule away before its time")],
        ["filter reload"] = [("tunnelmesh filter reload", "After a change of filter in the configuration")],
        ["context create"] =
        [
            ("tunnelmesh context create work", "Room for a second mesh, with ports and an interface of its own"),
            ("tunnelmesh context create work --config work.yaml", "With a copy of this file as its configuration"),
        ],
        ["context list"] = [("tunnelmesh context list", "All of them; a star marks the one in use"), ("tunnelmesh context list --json", "The same for a program")],
        ["context use"] = [("tunnelmesh context use work", "Commands are about it, and names of its mesh are answered")],
        ["context show"] = [("tunnelmesh context show", "The one in use"), ("tunnelmesh context show work --json", "Another, for a program")],
        ["context delete"] = [("tunnelmesh context delete work", "Destroy it with its keys, after a question"), ("tunnelmesh context delete work --yes", "Without one")],
        ["exit open"] = [("tunnelmesh exit open", "The peer has ended and nothing leaves: open the way")],
        ["exit close"] = [("tunnelmesh exit close", "Nothing leaves until the peer is connected, which uses exit_kill_switch")],
        ["cleanup"] = [("tunnelmesh cleanup", "A peer was killed and is not to start again: put back what it has changed"), ("tunnelmesh cleanup --all", "The same for every context"), ("tunnelmesh cleanup --user alice", "Of the peer that ran as alice, who is not root (Linux)")],
        ["trust-ca"] = [("tunnelmesh trust-ca", "Have programs of this system accept https://this.tm, after a question"), ("tunnelmesh trust-ca --remove", "Take it out again")],
        ["service install"] =
        [
            ("tunnelmesh service install", "Have the system run the peer that has joined here"),
            ("tunnelmesh service install --context work", "The same for a second mesh"),
            ("tunnelmesh service install --user alice", "The peer of a user's home, who is not root (Linux)"),
        ],
        ["service uninstall"] = [("tunnelmesh service uninstall", "Stop it and take it out of the system; the membership stays")],
        ["service start"] = [("tunnelmesh service start", "Start it, and wait until the peer is usable")],
        ["service stop"] = [("tunnelmesh service stop", "Stop it until the system starts anew")],
        ["service restart"] = [("tunnelmesh service restart", "After the configuration was changed")],
        ["service status"] = [("tunnelmesh service status", "What the system says about it")],
        ["service logs"] = [("tunnelmesh service logs --lines 200", "The last 200 lines"), ("tunnelmesh service logs --follow", "What comes, until Ctrl-C")],
        ["completion"] =
        [
            ("tunnelmesh completion bash > /etc/bash_completion.d/tunnelmesh", "For every user of bash"),
            ("tunnelmesh completion fish > ~/.config/fish/completions/tunnelmesh.fish", "For you, in fish"),
        ],
        ["man"] = [("tunnelmesh man --output /usr/local/share/man/man1", "Where `man tunnelmesh` finds them")],
        ["bugreport"] = [("tunnelmesh bugreport", "Gather it into a file here"), ("tunnelmesh bugreport --output report.tar.gz --log peer.log", "With the log of the peer, into this file")],
        ["version"] = [("tunnelmesh version", "The version of this program")],
    };

    /// <summary>Of a command, by its path without the program's name; none for one that only has others below it.</summary>
    public static IReadOnlyList<(string Line, string What)> Of(string path) => ByCommand.GetValueOrDefault(path) ?? [];

    /// <summary>Of all commands below one, in the order of the table.</summary>
    public static IEnumerable<(string Line, string What)> Below(string path) => ByCommand.Where(c => c.Key.StartsWith(path + " ", StringComparison.Ordinal)).SelectMany(c => c.Value);
}
