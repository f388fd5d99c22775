using System.Text;
using TunnelMesh.Cli.Configuration;

namespace TunnelMesh.Tests.Cli;

/// <summary>The text of docs/configuration.md: prose, and the table by which configurations are read.</summary>
internal static class ConfigurationGuide
{
    private const string Head =
        """
        # Configuration

        <!-- Made by `make docs` from the table by which the program reads configurations: change that (src/TunnelMesh.Cli/Configuration/ConfigKeys.cs), not this. -->
        <!-- mesh: hub -->

        A peer needs no configuration: every key has a default, and an empty file, or none, works. What differs from the defaults goes into a file of YAML. Such a file, with every key at its
        default and a remark for each:

        ```sh run hub
        tunnelmesh init --peer --output peer.yaml
        ```

        ## Which file counts

        The first of these that exists; nothing is put together out of several:

        1. what `--config FILE` names, or the variable `TUNNELMESH_CONFIG`. It has to exist: otherwise every command that is given `--config`, and every command that reads the configuration, ends with code 3.
        2. `~/.tunnelmesh/contexts/NAME/config.yaml`, of the context that the command is about
        3. `~/.tunnelmesh/config.yaml`
        4. `./tunnelmesh.yaml`, then `./peer.yaml`, in the directory that the command is given in

        `TUNNELMESH_HOME` moves `~/.tunnelmesh`, and is a whole path. A service has what `service install` found at its time (docs/service.md).

        ## When a change counts

        A peer reads its file when it starts: after a change, `tunnelmesh service restart`, or Ctrl-C and `join` again. Rules of the packet filter need no restart, `coordinator.service_ports` and `coordinator.admin_peers` neither:

        ```sh run hub
        tunnelmesh filter reload
        ```

        ## How it is checked

        An unknown key is an error that names the file, the line and the nearest key there is; so is a value that does not fit. Nothing is started then, and the code is 3.

        ```sh run hub code=3
        printf 'tun:\n  mtuu: 1400\n' > bad.yaml
        tunnelmesh join --config bad.yaml
        ```

        | value | how it is written |
        |---|---|
        | a size | bytes, or with `Ki`, `Mi`, `Gi`, `Ti`, which are powers of 1024; `K`, `M`, `G`, `T` mean the same |
        | true or false | `true`, `false`, without quotation marks |
        | a list | `[a, b]`, or a line for each with a hyphen before it |

        The token of the mesh is no part of a configuration, and refused there: it belongs in the variable `TUNNELMESH_TOKEN` (docs/security.md).

        An example:

        ```yaml
        name: nas
        dns:
          aliases: [files, backup]
        filter:
          rules:
            - {port: 22, protocol: tcp, action: allow, source_peer: laptop}
            - {port: 8000-8100, protocol: tcp, action: allow}
        ```

        A coordinator that also serves networks which let only port 443 out:

        ```yaml
        coordinator:
          enabled: true
          listen: [":8443", ":443"]
        ```

        ## All keys

        `tun.mtu` is the key `mtu` below `tun`.
        """;

    private static readonly Dictionary<string, string> Titles = new()
    {
        [""] = "The peer",
        ["tun"] = "Interface",
        ["dataplane"] = "Data plane",
        ["dns"] = "Names (docs/dns.md)",
        ["filter"] = "Packet filter (docs/filter.md)",
        ["coordinator"] = "Coordinator",
    };

    /// <summary>The whole document.</summary>
    public static string Write()
    {
        StringBuilder text = new(Head.TrimEnd() + "\n");
        foreach (IGrouping<string, ConfigKey> section in ConfigKeys.All.Where(k => k.Supported).GroupBy(k => Section(k.Path)))
        {
            text.Append("\n### ").Append(Titles.TryGetValue(section.Key, out string? title) ? title : $"`{section.Key}`").Append("\n\n| key | default | value | what |\n|---|---|---|---|\n");
            foreach (ConfigKey key in section)
            {
                text.Append($"| `{key.Path}` | {key.Derived ?? $"`{key.Default}`"} | {Cell(key.Type)} | {Cell(key.Doc)} |\n");
            }
        }
        if (ConfigKeys.All.Any(k => !k.Supported))
        {
            text.Append("\n### Not yet supported\n\nKeys of features that this version does not have. They are accepted at their default only, which `init --peer` writes.\n\n| key | default | what |\n|---|---|---|\n");
            foreach (ConfigKey key in ConfigKeys.All.Where(k => !k.Supported))
            {
                text.Append($"| `{key.Path}` | {key.Derived ?? $"`{key.Default}`"} | {Cell(key.Doc)} |\n");
            }
        }
        return text.ToString();
    }

    private static string Section(string path) => path.Contains('.', StringComparison.Ordinal) ? path[..path.IndexOf('.', StringComparison.Ordinal)] : "";

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
