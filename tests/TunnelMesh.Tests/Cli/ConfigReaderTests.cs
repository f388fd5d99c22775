using TunnelMesh.Cli.Configuration;

namespace TunnelMesh.Tests.Cli;

public sealed class ConfigReaderTests
{
    [Fact]
    public void The_printed_file_parses_to_the_defaults()
    {
        Settings printed = ConfigReader.Read(ConfigPrinter.Print(), "peer.yaml");
        Assert.Equal(2223, printed.EffectiveUdpPort);
        Assert.Equal("tun-mesh0", printed.TunName);
        Assert.Equal(["udp", "ssh", "relay"], printed.Transports);
        Assert.Null(printed.CoordinatorEnabled);
        Assert.Equal([new HostPort("", 8443)], printed.CoordinatorListen);
        Assert.Equal(3478, printed.CoordinatorStunListen?.Port);
        Assert.True(printed.RelayEnabled);
        Assert.Equal(0, printed.RelayRateLimit);
    }

    [Fact]
    public void A_coordinator_listens_on_one_endpoint_or_several_and_relays_as_it_is_told()
    {
        Assert.Equal([new HostPort("", 443)], ConfigReader.Read("coordinator:\n  listen: \":443\"\n", "c.yaml").CoordinatorListen);
        Settings settings = ConfigReader.Read("coordinator:\n  listen: [\":8443\", \"192.0.2.1:443\", \"[::1]:9\"]\n  relay:\n    enabled: false\n    rate_limit: 10Mi\n", "c.yaml");
        Assert.Equal([new HostPort("", 8443), new HostPort("192.0.2.1", 443), new HostPort("::1", 9)], settings.CoordinatorListen);
        Assert.False(settings.RelayEnabled);
        Assert.Equal(10L << 20, settings.RelayRateLimit);
    }

    [Fact]
    public void Transports_are_named_in_any_case_as_on_the_command_line() => Assert.Equal(["ssh", "udp"], ConfigReader.Read("transports: [SSH, Udp]\n", "c.yaml").Transports);

    [Theory]
    [InlineData("[]")]
    [InlineData("[udp, udp]")]
    [InlineData("[udp, UDP]")]
    [InlineData("[pigeon]")]
    [InlineData("udp")]
    public void Why_a_list_of_transports_is_refused_is_said(string value) => Assert.Contains(
        $"`transports`: expected a list with at least one of udp, ssh, relay, each once, found `{value}`", Assert.Throws<ConfigException>(() => ConfigReader.Read($"transports: {value}\n", "c.yaml")).Message, StringComparison.Ordinal);

    // The name goes into rules of nftables and arguments of programs, where a star or a quotation mark would mean more than itself.
    [Theory]
    [InlineData("'*'")]
    [InlineData("tun*")]
    [InlineData("-tun0")]
    [InlineData("a;b")]
    [InlineData("'a\"b'")]
    [InlineData("$(id)")]
    [InlineData("'a b'")]
    [InlineData("all")]
    [InlineData("default")]
    [InlineData("..")]
    [InlineData("''")]
    [InlineData("tun-mesh-of-sixteen")]
    public void What_is_no_name_of_an_interface_is_refused(string value) => Assert.Contains("c.yaml:2: `tun.name`: expected an interface name",
        Assert.Throws<ConfigException>(() => ConfigReader.Read($"tun:\n  name: {value}\n", "c.yaml")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("tun-mesh1")]
    [InlineData("mesh.work_2")]
    [InlineData("0wg")]
    public void Names_of_interfaces_may_have_dots_and_lines(string value) => Assert.Equal(value, ConfigReader.Read($"tun:\n  name: {value}\n", "c.yaml").TunName);

    [Theory]
    [InlineData("off", null)]
    [InlineData(":4000", 4000)]
    [InlineData("192.0.2.1:4000", 4000)]
    public void The_STUN_responder_can_be_moved_and_switched_off(string value, int? port) =>
        Assert.Equal(port, ConfigReader.Read($"coordinator:\n  stun_listen: {value}\n", "c.yaml").CoordinatorStunListen?.Port);

    [Theory]
    [InlineData("0", 0u)]
    [InlineData("51820", 51820u)]
    [InlineData("0x7e57", 0x7e57u)]
    [InlineData("0XFFFFFFFF", uint.MaxValue)]
    public void A_firewall_mark_is_written_as_for_ip_rule(string value, uint mark) => Assert.Equal(mark, ConfigReader.Read($"fwmark: {value}\n", "c.yaml").FirewallMark);

    [Theory]
    [InlineData("-1")]
    [InlineData("0x")]
    [InlineData("7e57")]
    [InlineData("4294967296")]
    [InlineData("[1]")]
    public void What_is_no_firewall_mark_is_refused(string value) =>
        Assert.Contains("fwmark", Assert.Throws<ConfigException>(() => ConfigReader.Read($"fwmark: {value}\n", "c.yaml")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("# nothing\n")]
    public void An_empty_file_works(string yaml) => Assert.Equal(1400, ConfigReader.Read(yaml, "c.yaml").TunMtu);

    [Fact]
    public void An_unknown_key_names_file_line_and_the_nearest_key()
    {
        ConfigException e = Assert.Throws<ConfigException>(() => ConfigReader.Read("name: a\ntun:\n  mut: 1300\n", "c.yaml"));
        Assert.StartsWith("c.yaml:3: unknown key `tun.mut`", e.Message, StringComparison.Ordinal);
        Assert.Contains("`tun.mtu`", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tun:\n  mtu: big\n", "c.yaml:2: `tun.mtu`: expected a number, 576-65535")]
    [InlineData("coordinator:\n  listen: []\n", "c.yaml:2: `coordinator.listen`: expected host:port or :port, or a list of them")]
    [InlineData("coordinator:\n  listen: [\":1\", \":1\"]\n", "c.yaml:2: `coordinator.listen`")]
    [InlineData("coordinator:\n  relay:\n    rate_limit: fast\n", "c.yaml:3: `coordinator.relay.rate_limit`: expected a size, 0-1Ti")]
    [InlineData("coordinator:\n  stun_listen: often\n", "c.yaml:2: `coordinator.stun_listen`: expected host:port, :port or off")]
    [InlineData("ssh_port: 70000\n", "c.yaml:1: `ssh_port`")]
    [InlineData("name: [a]\n", "c.yaml:1: `name`")]
    [InlineData("tun: 5\n", "c.yaml:1: `tun` is a section")]
    [InlineData("exit_offline: open\n", "c.yaml:1: `exit_offline`: expected block or direct")]
    [InlineData("name: a\nname: b\n", "c.yaml:2: `name` is given twice")]
    [InlineData("tunn:\n  mtu: 1300\n", "c.yaml:1: unknown key `tunn`. Did you mean `tun`?")]
    [InlineData("TUN:\n  mtu: 1300\n", "c.yaml:1: unknown key `TUN`. Did you mean `tun`?")]
    [InlineData("coordinator:\n  s4:\n    max_size: 1Gi\n", "c.yaml:2: unknown key `coordinator.s4`. Did you mean `coordinator.s3`?")]
    [InlineData("mesh_token: 00\n", "c.yaml:1: unknown key `mesh_token`. The mesh token is no part of a configuration: set it as TUNNELMESH_TOKEN")]
    [InlineData("ssh_port: \"22\"\n", "c.yaml:1: `ssh_port`: expected a port, 1-65534, found `\"22\"`.")]
    [InlineData("name: {a: b}\n", "c.yaml:1: `name`: expected a DNS label: letters, digits and hyphens, at most 63, found `{...}`.")]
    [InlineData("filter:\n  rules: 5\n", "c.yaml:2: `filter.rules`: expected a list of rules")]
    [InlineData("filter:\n  rules:\n  - 22\n", "c.yaml:3: `filter.rules`: expected a rule such as {port: 22, protocol: tcp, action: allow}, found `22`.")]
    [InlineData("filter:\n  rules:\n  - port: 22\n    protocol: tcp\n    action: alow\n", "c.yaml:5: `filter.rules`: action: expected allow or deny, found `alow`.")]
    [InlineData("filter:\n  rules:\n  - port: 22\n    protocol: tcp\n", "c.yaml:3: `filter.rules`: action: expected allow or deny, found nothing.")]
    [InlineData("filter:\n  rules:\n  - {port: 22, action: allow}\n  - {prot: tcp, action: allow}\n", "c.yaml:4: `filter.rules`: unknown field `prot` of a rule. Did you mean `port`?")]
    [InlineData("filter:\n  rules:\n  - {port: 22, port: 23, action: allow}\n", "c.yaml:3: `filter.rules`: `port` is given twice in one rule")]
    [InlineData("filter:\n  rules:\n  - {port: [22], action: allow}\n", "c.yaml:3: `filter.rules`: `port` of a rule is one value, found `[22]`.")]
    [InlineData("filter:\n  rules:\n  - {port: 70000, action: allow}\n", "c.yaml:3: `filter.rules`: port: expected a port from 1 to 65535")]
    [InlineData("filter:\n  rules:\n  - {action: allow, source_peer: \"a;reboot\"}\n", "c.yaml:3: `filter.rules`: source_peer: expected a device name")]
    [InlineData("filter:\n  default_deny: maybe\n", "c.yaml:2: `filter.default_deny`: expected true or false")]
    [InlineData("coordinator:\n  service_ports: [0]\n", "c.yaml:2: `coordinator.service_ports`: expected a list of at most 64 ports")]
    [InlineData("coordinator:\n  service_ports: 9443\n", "c.yaml:2: `coordinator.service_ports`: expected")]
    [InlineData("coordinator:\n  admin_peers: laptop\n", "c.yaml:2: `coordinator.admin_peers`: expected a list of at most 64 peer IDs, names of devices or patterns of names such as ops-*, found `laptop`.")]
    [InlineData("coordinator:\n  admin_peers:\n  - ops-*\n  - a b\n", "c.yaml:4: `coordinator.admin_peers`: expected peer IDs (16 hex digits), names of devices, or patterns of names with * and ?, such as ops-*; found `a b`.")]
    [InlineData("coordinator:\n  admin_peers: [{a: b}]\n", "c.yaml:2: `coordinator.admin_peers`: expected peer IDs")]
    [InlineData("coordinator:\n  admin_peers: [\"[a-z]\"]\n", "c.yaml:2: `coordinator.admin_peers`: expected peer IDs")]
    [InlineData("coordinator:\n  filter:\n    rules: [x]\n", "c.yaml:3: `coordinator.filter.rules`: expected a rule")]
    [InlineData("dns:\n  aliases: files\n", "c.yaml:2: `dns.aliases`: expected a list of at most 16 names: DNS labels that are not reserved, found `files`.")]
    [InlineData("dns:\n  aliases:\n  - files\n  - this\n", "c.yaml:4: `dns.aliases`: `this` is reserved")]
    [InlineData("dns:\n  aliases:\n  - Admin\n", "c.yaml:3: `dns.aliases`: `admin` is reserved")]
    [InlineData("dns:\n  aliases: [ok, $(x)]\n", "c.yaml:2: `dns.aliases`: expected names of letters, digits and inner hyphens, at most 63 characters each; found `$(x)`.")]
    [InlineData("dns:\n  aliases: [a b]\n", "c.yaml:2: `dns.aliases`: expected names of letters, digits and inner hyphens, at most 63 characters each; found `a b`.")]
    [InlineData("dns:\n  aliases: [\"\"]\n", "c.yaml:2: `dns.aliases`: expected names of letters, digits and inner hyphens, at most 63 characters each; found `\"\"`.")]
    [InlineData("dns:\n  aliases: [nas.tm]\n", "c.yaml:2: `dns.aliases`: expected names of letters, digits and inner hyphens, at most 63 characters each; found `nas.tm`.")]
    [InlineData("dns:\n  aliases: [-nas]\n", "c.yaml:2: `dns.aliases`: expected names of letters, digits and inner hyphens, at most 63 characters each; found `-nas`.")]
    [InlineData("dns:\n  aliases: [b\u00fccher]\n", "c.yaml:2: `dns.aliases`: expected names of letters, digits and inner hyphens, at most 63 characters each; found `b\u00fccher`.")]
    [InlineData("dns:\n  aliases: [[files]]\n", "c.yaml:2: `dns.aliases`: expected names of letters, digits and inner hyphens, at most 63 characters each; found `[files]`.")]
    [InlineData("dns:\n  aliases: [{files: 1}]\n", "c.yaml:2: `dns.aliases`: expected names of letters, digits and inner hyphens, at most 63 characters each; found `{...}`.")]
    [InlineData("- a\n", "c.yaml:1: expected `key: value`")]
    public void Bad_values_are_refused_with_their_place(string yaml, string expected) =>
        Assert.StartsWith(expected, Assert.Throws<ConfigException>(() => ConfigReader.Read(yaml, "c.yaml")).Message, StringComparison.Ordinal);

    [Fact]
    public void Rules_of_the_filter_are_read()
    {
        Settings settings = ConfigReader.Read("""
            filter:
              default_deny: true
              rules:
                - port: 22
                  protocol: tcp
                  action: allow
                  source_peer: Laptop
                - {port: 8000-8100, protocol: any, action: deny}
            coordinator:
              filter:
                default_deny: false
                rules:
                  - {protocol: icmp, action: deny, source_peer: "group:everyone"}
              service_ports: [443, 9443]
            """, "c.yaml");
        Assert.True(settings.FilterDefaultDeny);
        Assert.Equal(["22 tcp allow laptop", "8000-8100 any deny "], settings.FilterRules.Select(r => $"{r.Ports} {r.ProtocolText} {r.ActionText} {r.Source}"));
        Assert.False(settings.CoordinatorFilterDefaultDeny);
        Assert.Equal([" icmp deny group:everyone"], settings.CoordinatorFilterRules.Select(r => $"{r.Ports} {r.ProtocolText} {r.ActionText} {r.Source}"));
        Assert.Equal([443, 9443], settings.CoordinatorServicePorts);
        Settings none = ConfigReader.Read("", "c.yaml");
        Assert.Null(none.FilterDefaultDeny);
        Assert.Equal([9443], none.CoordinatorServicePorts);
    }

    [Fact]
    public void Admins_are_peer_IDs_names_and_patterns_each_once_and_not_without_end()
    {
        Assert.Equal(["0123456789abcdef", "1234567890123456", "laptop", "ops-?*"],
            ConfigReader.Read("coordinator:\n  admin_peers: [0123456789ABCDEF, 1234567890123456, Laptop, laptop, \"ops-?*\"]\n", "c.yaml").AdminPeers);
        Assert.Empty(ConfigReader.Read("coordinator:\n  admin_peers: []\n", "c.yaml").AdminPeers);
        Assert.Empty(ConfigReader.Read("", "c.yaml").AdminPeers);
        string[] most = [.. Enumerable.Range(1, 64).Select(i => $"a{i}")];
        Assert.Equal(64, ConfigReader.Read($"coordinator:\n  admin_peers: [{string.Join(", ", most)}]\n", "c.yaml").AdminPeers.Count);
        Assert.Contains("more than 64 entries, found 65", Assert.Throws<ConfigException>(() => ConfigReader.Read($"coordinator:\n  admin_peers: [{string.Join(", ", most)}, b]\n", "c.yaml")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Aliases_are_as_many_and_as_long_as_names_may_be()
    {
        string[] names = [.. Enumerable.Range(1, 15).Select(i => $"n{i}"), new string('a', 63)];
        Assert.Equal(names, Read(names).DnsAliases);
        Assert.Equal(["nas"], Read("nas", "NAS").DnsAliases);
        ConfigException many = Assert.Throws<ConfigException>(() => Read([.. names, "one-too-many"]));
        Assert.StartsWith("c.yaml:19: `dns.aliases`: more than 16 names, found 17", many.Message, StringComparison.Ordinal);
        ConfigException large = Assert.Throws<ConfigException>(() => Read("nas", new string('a', 64)));
        Assert.StartsWith($"c.yaml:4: `dns.aliases`: `{new string('a', 57)}...` has 64 characters; a name has at most 63.", large.Message, StringComparison.Ordinal);

        static Settings Read(params string[] aliases) => ConfigReader.Read("dns:\n  aliases:\n" + string.Concat(aliases.Select(a => $"  - {a}\n")), "c.yaml");
    }

    [Fact]
    public void The_number_of_rules_has_a_limit()
    {
        string rules = string.Concat(Enumerable.Range(1, 257).Select(i => $"  - {{port: {i}, action: allow}}\n"));
        ConfigException e = Assert.Throws<ConfigException>(() => ConfigReader.Read("filter:\n  rules:\n" + rules, "c.yaml"));
        Assert.StartsWith("c.yaml:259: `filter.rules`: more than 256 rules", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1Gi", 1L << 30)]
    [InlineData("10M", 10L << 20)]
    [InlineData("7", 7L)]
    public void Sizes_are_binary(string text, long bytes)
    {
        Assert.True(Quantities.TryParseSize(text, out long found));
        Assert.Equal(bytes, found);
    }
}
