using TunnelMesh.Platform.Services;

namespace TunnelMesh.Tests.Services;

public sealed class ServiceManagerTests
{
    private static readonly ServiceDefinition Service = SystemdUnitTests.Plain;

    private static string[] Lines(IReadOnlyList<IReadOnlyList<string>> steps) => [.. steps.Select(s => string.Join(' ', s))];

    [Fact]
    public void A_running_systemd_is_told_to_read_enable_and_forget()
    {
        // Any directory that exists stands for the mark of a running systemd.
        SystemdManager manager = new(null, booted: Path.GetTempPath());
        Assert.Null(manager.Absence);
        Assert.Equal("/etc/systemd/system/tunnelmesh-work.service", manager.DescriptionFile(Service.Name));
        Assert.Equal(["systemctl daemon-reload", "systemctl enable --quiet tunnelmesh-work.service"], Lines(manager.Enable(Service)));
        Assert.Equal(["systemctl disable --now --quiet tunnelmesh-work.service"], Lines(manager.Disable(Service.Name)));
        Assert.Equal(["systemctl daemon-reload"], Lines(manager.Forget(Service.Name)));
        Assert.Equal("systemctl status --no-pager --full tunnelmesh-work.service", string.Join(' ', manager.Status(Service.Name)));
        Assert.Equal("journalctl --no-pager --unit tunnelmesh-work.service --lines 7 --follow", string.Join(' ', manager.Logs(Service.Name, 7, follow: true)));
        Assert.Equal("/etc/tunnelmesh/env.conf", manager.EnvironmentFile("default"));
        Assert.Equal("/etc/tunnelmesh/env-work.conf", manager.EnvironmentFile("work"));
    }

    [Fact]
    public void Without_a_running_systemd_only_the_link_is_made_and_the_reason_is_said()
    {
        SystemdManager manager = new(null, booted: "/nowhere/systemd");
        Assert.Contains("does not run this system", manager.Absence, StringComparison.Ordinal);
        Assert.Equal(["systemctl enable --quiet tunnelmesh-work.service"], Lines(manager.Enable(Service)));
        Assert.Empty(manager.Forget(Service.Name));
        Assert.False(manager.IsActive(Service.Name));
    }

    [Fact]
    public void Below_a_scratch_root_nothing_of_the_system_is_touched()
    {
        SystemdManager manager = new("/srv/image", booted: Path.GetTempPath());
        Assert.Contains("/srv/image", manager.Absence, StringComparison.Ordinal);
        Assert.Equal("/srv/image/etc/systemd/system/tunnelmesh-work.service", manager.DescriptionFile(Service.Name));
        Assert.Equal(["systemctl --root /srv/image enable --quiet tunnelmesh-work.service"], Lines(manager.Enable(Service)));
        Assert.Equal(["systemctl --root /srv/image disable --quiet tunnelmesh-work.service"], Lines(manager.Disable(Service.Name)));
    }

    [Fact]
    public void What_closes_the_way_at_the_start_of_the_system_comes_and_goes_with_the_service()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("tm");
        try
        {
            SystemdManager manager = new(root.FullName);
            ServiceDefinition closing = Service with { AtBoot = ["exit", "close"] };
            string file = manager.BootFile(Service.Name)!;
            Assert.Equal("tunnelmesh-work_closed.service", Path.GetFileName(file));
            Assert.Null(manager.DescribeBoot(Service));
            Assert.NotNull(manager.DescribeBoot(closing));
            Assert.Equal($"systemctl --root {root.FullName} enable --quiet tunnelmesh-work_closed.service", Lines(manager.Enable(closing))[^1]);
            Assert.Single(manager.Disable(Service.Name));
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, "");
            Assert.Equal($"systemctl --root {root.FullName} disable --quiet tunnelmesh-work_closed.service", Lines(manager.Disable(Service.Name))[^1]);
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_unit_that_a_package_brought_is_found_where_packages_put_them()
    {
        DirectoryInfo root = Directory.CreateTempSubdirectory("tm");
        try
        {
            SystemdManager manager = new(root.FullName);
            Assert.Null(manager.PackagedFile("tunnelmesh"));
            string file = Path.Combine(root.CreateSubdirectory("usr/lib/systemd/system").FullName, "tunnelmesh.service");
            File.WriteAllText(file, "");
            Assert.Equal(file, manager.PackagedFile("tunnelmesh"));
            Assert.Null(manager.PackagedFile("tunnelmesh-work"));
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_property_list_is_well_formed_names_no_secret_and_keeps_every_argument_whole()
    {
        string list = LaunchdPlist.Write(Service with { Arguments = ["join", "--config", "/Users/a & b/<x>.yaml"] });
        Assert.True(LaunchdPlist.IsOurs(list));
        System.Xml.XmlReaderSettings settings = new() { DtdProcessing = System.Xml.DtdProcessing.Ignore };
        using System.Xml.XmlReader reader = System.Xml.XmlReader.Create(new StringReader(list), settings);
        System.Xml.Linq.XElement dict = System.Xml.Linq.XDocument.Load(reader).Root!.Element("dict")!;
        string[] arguments = [.. dict.Elements("array").Single().Elements("string").Select(e => e.Value)];
        Assert.Equal(["/bin/sh", "-c"], arguments[..2]);
        Assert.Equal(["/etc/tunnelmesh/env-work.conf", Service.OnlyWhenExists!, "", "/usr/local/bin/tunnelmesh", "join", "--config", "/Users/a & b/<x>.yaml"], arguments[3..]);
        Assert.Equal("io.tunnelmesh.tunnelmesh-work", dict.Elements("string").First().Value);
        Assert.Throws<ServiceException>(() => LaunchdPlist.Write(Service with { Program = "/x\n" }));
    }
}
