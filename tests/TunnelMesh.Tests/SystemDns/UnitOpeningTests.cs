using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Tests.SystemDns;

public sealed class UnitOpeningTests : IDisposable
{
    private const string Cgroup = "0::/system.slice/tunnelmesh.service\n";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm-open-");
    private readonly List<string> _calls = [];
    private string _mounts, _cgroup = Cgroup;
    private Action _bound = () => { };

    public UnitOpeningTests()
    {
        _mounts = Open;
        File.WriteAllText(Conf, "nameserver 192.0.2.1\n");
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private string Conf => Path.Combine(_folder.FullName, "resolv.conf");

    // As in a unit with ProtectSystem=strict: all of it is read-only, and the file a mount of its own.
    private string Closed => $"1 0 8:1 / / ro,relatime master:1 - ext4 /dev/sda1 rw\n2 1 8:1 / {_folder.FullName} ro,relatime - ext4 /dev/sda1 rw\n";

    private string Open => Closed + Mount(Conf);

    private static string Mount(string point, string options = "rw") => $"3 2 8:1 /etc/resolv.conf {point} {options},relatime - ext4 /dev/sda1 rw\n";

    private UnitOpening Opening(bool systemctl = true) => new(Conf, name => systemctl ? "/bin/" + name : null, (program, arguments) =>
    {
        _calls.Add($"{program} {string.Join(' ', arguments)}");
        _bound();
    }, file => file == "/proc/self/cgroup" ? _cgroup : _mounts);

    [Fact]
    public void A_file_that_was_replaced_is_opened_up_again_each_time()
    {
        UnitOpening opening = Opening();
        _bound = () => _mounts = Open;
        opening.Keep();
        Assert.Empty(_calls);
        for (int i = 1; i <= 10; i++)
        {
            _mounts = Closed;
            opening.Keep();
            Assert.Null(opening.Problem);
            Assert.Equal(i, _calls.Count);
        }
        opening.Keep();
        Assert.Equal(10, _calls.Count);
        Assert.Equal($"/bin/systemctl --no-ask-password bind tunnelmesh.service {Conf}", _calls[0]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Where_systemd_cannot_it_is_said_what_to_do_and_not_tried_without_end(bool fails)
    {
        UnitOpening opening = Opening();
        _bound = () => _ = fails ? throw new SystemDnsException("Unknown verb bind.") : 0;
        opening.Keep();
        _mounts = Closed;
        for (int i = 0; i < 10; i++)
        {
            opening.Keep();
            Assert.EndsWith("before it is started anew: systemctl restart tunnelmesh.service", opening.Problem, StringComparison.Ordinal);
        }
        Assert.Equal(3, _calls.Count);
        _mounts = Open;
        opening.Keep();
        Assert.Null(opening.Problem);
        _mounts = Closed;
        opening.Keep();
        Assert.Equal(4, _calls.Count);

        _mounts = Open;
        UnitOpening without = Opening(systemctl: false);
        without.Keep();
        _mounts = Closed;
        without.Keep();
        Assert.NotNull(without.Problem);
        Assert.Equal(4, _calls.Count);
    }

    [Theory]
    [InlineData("0::/user.slice/user-0.slice/session-1.scope\n", true)]
    [InlineData("0::/user.slice/user-1000.slice/user@1000.service/app.slice/term.scope\n", true)]
    [InlineData("", true)]
    [InlineData(Cgroup, false)]
    public void What_no_unit_had_opened_up_is_left_closed(string cgroup, bool opened)
    {
        (_cgroup, _mounts) = (cgroup, opened ? Open : Closed);
        UnitOpening opening = Opening();
        opening.Keep();
        _mounts = Closed;
        opening.Keep();
        Assert.Empty(_calls);
        Assert.Null(opening.Problem);
    }

    [Fact]
    public void A_link_and_what_is_not_there_are_no_file_to_open()
    {
        UnitOpening opening = Opening();
        opening.Keep();
        _mounts = Closed;
        File.Delete(Conf);
        opening.Keep();
        File.CreateSymbolicLink(Conf, "elsewhere");
        opening.Keep();
        Assert.Empty(_calls);
        Assert.Null(opening.Problem);
    }

    [Fact]
    public void The_mount_that_counts_is_the_nearest_and_of_several_there_the_last()
    {
        Assert.Equal((Conf, true), UnitOpening.Covering(Open, Conf));
        Assert.Equal((_folder.FullName, false), UnitOpening.Covering(Closed, Conf));
        Assert.Equal((Conf, false), UnitOpening.Covering(Open + Mount(Conf, "ro"), Conf));
        Assert.Equal((_folder.FullName, false), UnitOpening.Covering(Closed + Mount(Conf + ".new") + Mount(_folder.FullName + "x"), Conf));
        Assert.Equal(("/", true), UnitOpening.Covering("1 0 8:1 / / rw,relatime - ext4 /dev/sda1 ro\n", Conf));
        Assert.Equal(("", true), UnitOpening.Covering("", Conf));
        Assert.Equal("tunnelmesh:alice.service", UnitOpening.UnitOf("1:name=systemd:/system.slice/tunnelmesh:alice.service\n0::/x\n"));
    }
}
