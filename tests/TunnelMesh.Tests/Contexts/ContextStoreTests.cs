using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Contexts;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Tests.Cli;
using TunnelMesh.Tests.Files;

namespace TunnelMesh.Tests.Contexts;

public sealed class ContextStoreTests : IDisposable
{
    private readonly CommandLine _cli = new();

    private HomeLayout Layout => _cli.Context().Layout;

    private ContextStore Store => new(Layout);

    public void Dispose() => _cli.Dispose();

    [Fact]
    public void Numbers_are_the_lowest_that_are_free_stay_and_come_free_again()
    {
        Assert.Equal((0, 1), (Store.NumberOf("default"), Store.NumberOf("work")));
        Assert.Equal((1, 2, 0), (Store.Ensure("work"), Store.Ensure("home"), Store.Ensure("default")));
        Assert.Equal((1, 3), (Store.Ensure("work"), Store.NumberOf("more")));
        Assert.Equal(["default", "home", "work"], Store.Names());
        Store.Delete("work");
        Assert.Equal((2, 1), (Store.NumberOf("home"), Store.Ensure("more")));
    }

    [Fact]
    public void One_is_taken_back_unless_there_is_more_in_it_than_every_start_makes()
    {
        Store.Ensure("work", out bool made);
        Assert.True(made);
        Store.Ensure("work", out made);
        Assert.False(made);
        string journal = Path.Combine(Layout.ContextDirectory("work"), "dns.json");
        File.WriteAllText(Path.Combine(Layout.ContextDirectory("work"), "device.key"), "x");
        File.WriteAllText(journal, "x");
        Store.TakeBack("work");
        Assert.True(Store.Exists("work"));
        File.Delete(journal);
        Store.TakeBack("work");
        Assert.False(Store.Exists("work"));
        Store.TakeBack("work");
    }

    [Fact]
    public async Task Contexts_that_are_made_at_the_same_time_get_different_numbers()
    {
        int[] numbers = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => Store.Ensure($"c{i}"))));
        Assert.Equal(Enumerable.Range(1, 16), numbers.Order());
    }

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("256")]
    [InlineData("x")]
    [InlineData("")]
    public void A_number_that_is_none_is_given_anew(string text)
    {
        Store.Ensure("a");
        Store.Ensure("b");
        File.WriteAllText(Path.Combine(Layout.ContextDirectory("a"), "number"), text);
        Assert.Equal(1, Store.Ensure("a"));
    }

    [Fact]
    public void Defaults_of_no_two_numbers_meet()
    {
        HashSet<(string, int)> ports = [];
        HashSet<string> names = [];
        for (int number = 0; number <= ContextDefaults.MaxNumber; number++)
        {
            Settings settings = ContextDefaults.Of($"c{number}", number);
            foreach ((string, int) port in new[]
            {
                ("tcp", settings.SshPort), ("udp", settings.EffectiveUdpPort), ("udp", settings.DnsListen!.Value.Port), ("tcp", settings.DnsListen!.Value.Port),
                ("tcp", settings.CoordinatorListen[0].Port), ("udp", settings.CoordinatorStunListen!.Value.Port), ("udp", settings.CoordinatorStunListen!.Value.Port + 1),
            })
            {
                Assert.True(ports.Add(port), $"{number}: {port}");
            }
            Assert.True(names.Add(settings.TunName) && names.Add(settings.CoordinatorDataDir));
            Assert.True(settings.TunName.Length <= 15);
        }
        Assert.DoesNotContain(("tcp", new Settings().MetricsPort), ports);
        Assert.Equal(("tun-mesh0", 2222, 2223), (ContextDefaults.Of("default", 0).TunName, ContextDefaults.Of("default", 0).SshPort, ContextDefaults.Of("default", 0).EffectiveUdpPort));
    }

    [Fact]
    public void What_a_configuration_sets_counts_before_the_number()
    {
        Settings settings = ConfigReader.Read("ssh_port: 2300", "f", defaults: ContextDefaults.Of("work", 1));
        Assert.Equal((2300, 2301, "tun-mesh1"), (settings.SshPort, settings.EffectiveUdpPort, settings.TunName));
    }

    [Fact]
    public void A_name_that_differs_only_in_case_is_refused()
    {
        Store.Ensure("work");
        Assert.Contains("There is a context work already", Assert.Throws<ConfigException>(() => Store.Ensure("Work")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../x")]
    [InlineData("a/b")]
    [InlineData("$(reboot)")]
    [InlineData("a;b")]
    [InlineData("a b")]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("-a")]
    [InlineData("ä")]
    [InlineData("a\u001b[2J")]
    [InlineData("aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaa")]
    public void What_is_no_label_is_no_name(string name)
    {
        HostException e = Assert.Throws<HostException>(() => Store.Ensure(name));
        Assert.Equal(ExitCode.Usage, e.Code);
        Assert.Contains("is no name for a context", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', e.Message);
        Assert.False(Directory.Exists(Path.Combine(_cli.Home, "contexts")));
    }

    [Theory]
    [InlineData("work", "work")]
    [InlineData(" work\n", "work")]
    [InlineData("../x", "default")]
    [InlineData("", "default")]
    [InlineData(null, "default")]
    public void The_active_context_is_the_one_that_the_file_names(string? text, string active)
    {
        Directory.CreateDirectory(_cli.Home);
        if (text is not null)
        {
            File.WriteAllText(Path.Combine(_cli.Home, "active-context"), text);
        }
        Assert.Equal(active, Layout.ActiveContext);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_no_such_file_names_none_and_keeps_nobody_waiting(bool pipe)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "elsewhere nobody asks for another user's");
        Directory.CreateDirectory(_cli.Home);
        string file = Path.Combine(_cli.Home, "active-context");
        if (pipe)
        {
            ForeignFiles.MakePipe(file);
        }
        else
        {
            File.CreateSymbolicLink(file, "/dev/zero");
        }
        Assert.Equal("default", await Task.Run(() => Layout.ActiveContext, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
    }

    [Fact]
    public void Whoever_deletes_the_active_one_is_back_at_the_default()
    {
        Store.Ensure("work");
        Store.Activate("work");
        Assert.Equal("work", Layout.ActiveContext);
        Store.Delete("work");
        Assert.Equal(("default", false), (Layout.ActiveContext, File.Exists(Layout.ActiveFile)));
    }
}
