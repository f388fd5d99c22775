using TunnelMesh.Cli.Hosting;
using TunnelMesh.Platform.Users;

namespace TunnelMesh.Tests.Users;

public class RootOnlyTests
{
    private const UnixFileMode Usual = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    // Everything is root's but what is named: PATH=OWNER, PATH=g (group writes), PATH=o (everybody writes), PATH=t (as /tmp), PATH=- (not to be seen), PATH->TARGET.
    private static Func<string, UnixFileStatus?> Files(string special)
    {
        Dictionary<string, UnixFileStatus?> files = [];
        foreach (string entry in special.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (entry.Split("->") is [var link, var target])
            {
                files[link] = new UnixFileStatus(1000, Usual, target);
                continue;
            }
            string[] parts = entry.Split('=');
            files[parts[0]] = parts[1] switch
            {
                "g" => new UnixFileStatus(0, Usual | UnixFileMode.GroupWrite),
                "o" => new UnixFileStatus(0, Usual | UnixFileMode.OtherWrite | UnixFileMode.GroupWrite),
                "t" => new UnixFileStatus(0, Usual | UnixFileMode.OtherWrite | UnixFileMode.GroupWrite | UnixFileMode.StickyBit),
                "-" => null,
                var owner => new UnixFileStatus(uint.Parse(owner, System.Globalization.CultureInfo.InvariantCulture), Usual),
            };
        }
        return path => files.TryGetValue(path, out UnixFileStatus? status) ? status : new UnixFileStatus(0, Usual);
    }

    [Theory]
    [InlineData("", null, "")]
    [InlineData("/opt/x/tm=1000", "belongs to user 1000", "/opt/x/tm")]
    [InlineData("/opt/x=1000", "belongs to user 1000", "/opt/x")]
    [InlineData("/opt=g", "may be written to by its group", "/opt")]
    [InlineData("/=o", "may be written to by everybody", "/")]
    [InlineData("/opt/x=t", "may be written to by everybody", "/opt/x")]
    [InlineData("/opt/x/tm=g", "may be written to by its group", "/opt/x/tm")]
    [InlineData("/opt/x=-", "cannot be looked at", "/opt/x")]
    [InlineData("/opt/x->/srv/y", null, "")]
    [InlineData("/opt/x->/srv/y /srv=1000", "belongs to user 1000", "/srv")]
    [InlineData("/opt/x/tm->../y/./tm", null, "")]
    [InlineData("/opt/x/tm->../y/./tm /opt/y=1000", "belongs to user 1000", "/opt/y")]
    [InlineData("/opt/x->../../../home/a /home/a/tm=1000", "belongs to user 1000", "/home/a/tm")]
    [InlineData("/opt/x->/opt/x", "leads round in circles", "/opt/x")]
    public void The_first_that_others_may_change_is_found(string special, string? fault, string where)
    {
        Assert.Equal(fault, RootOnly.FaultOf("/opt/x/tm", Files(special), out string found));
        Assert.Equal(where, found);
    }

    [Fact]
    public void A_service_does_not_run_what_a_user_may_change()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has rights of other kinds");
        ServiceSetup.RequireSafeProgram("/usr/local/bin/tunnelmesh", Files(""));
        ServiceSetup.RequireSafeProgram("/opt/x/tunnelmesh", null);
        HostException refused = Assert.Throws<HostException>(() => ServiceSetup.RequireSafeProgram("/opt/x/tunnelmesh", Files("/opt/x=1000")));
        Assert.Equal(ExitCode.Configuration, refused.Code);
        Assert.Contains("/opt/x belongs to user 1000", refused.Message, StringComparison.Ordinal);
        Assert.Contains("chmod go-w /opt/x", refused.Message, StringComparison.Ordinal);
        Assert.Contains("install -m 755 /opt/x/tunnelmesh /usr/local/bin/", refused.Message, StringComparison.Ordinal);
        // A name that somebody else has given it is not kept.
        Assert.Contains("/opt/x/tm /usr/local/bin/tunnelmesh &&", Refusal("/opt/x/tm", "/opt/x=1000"), StringComparison.Ordinal);
        Assert.Contains("lies where others may change it", Assert.Throws<HostException>(() => ServiceSetup.RequireSafeProgram("/home/a/tunnelmesh", Files(""))).Message, StringComparison.Ordinal);
    }

    // As Debian has it where an administrator wants a group of users to install programs (staff).
    [Theory]
    [InlineData("/usr/local=g /usr/local/bin=g /opt/tunnelmesh=-", "/usr/local may be written to by its group", "install -D -m 755 /usr/local/bin/tunnelmesh /opt/tunnelmesh/tunnelmesh && /opt/tunnelmesh/tunnelmesh service install")]
    [InlineData("/usr/local=g /opt/tunnelmesh=- /opt=-", "/usr/local may be", "/opt/tunnelmesh/tunnelmesh service install")]
    [InlineData("/usr/local/bin/tunnelmesh=1000", "belongs to user 1000", "/opt/tunnelmesh/tunnelmesh service install")]
    [InlineData("/usr/local=g /opt=1000", "/usr/local may be", "/usr/local/bin and /opt/tunnelmesh are no such places on this machine")]
    [InlineData("/usr/local=g /opt/tunnelmesh->/srv/x /srv/x=-", "/usr/local may be", "are no such places on this machine")]
    public void The_advice_leads_to_a_place_that_is_accepted(string special, string fault, string advice)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has rights of other kinds");
        string refused = Refusal("/usr/local/bin/tunnelmesh", special);
        Assert.Contains(fault, refused, StringComparison.Ordinal);
        Assert.Contains(advice, refused, StringComparison.Ordinal);
        Assert.DoesNotContain("/usr/local/bin/tunnelmesh service install", refused, StringComparison.Ordinal);
    }

    [Fact]
    public void So_does_that_for_a_program_in_a_home()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has rights of other kinds");
        Assert.Contains("First put the program elsewhere: install -m 755 /home/a/tunnelmesh /usr/local/bin/tunnelmesh &&", Refusal("/home/a/tunnelmesh", ""), StringComparison.Ordinal);
        Assert.Contains("First put the program elsewhere: install -D -m 755 /home/a/tunnelmesh /opt/tunnelmesh/tunnelmesh &&", Refusal("/home/a/tunnelmesh", "/usr/local=g"), StringComparison.Ordinal);
    }

    private static string Refusal(string program, string special) => Assert.Throws<HostException>(() => ServiceSetup.RequireSafeProgram(program, Files(special))).Message;

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public void Real_files_are_looked_at_without_following_links()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux is asked for owners");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tm-owner-");
        try
        {
            string file = Path.Combine(folder.FullName, "program"), link = Path.Combine(folder.FullName, "link");
            File.WriteAllText(file, "");
            File.SetUnixFileMode(file, Usual | UnixFileMode.GroupWrite | UnixFileMode.SetGroup);
            File.CreateSymbolicLink(link, "program");
            Assert.Equal(new UnixFileStatus(UnixUsers.EffectiveUserId, Usual | UnixFileMode.GroupWrite | UnixFileMode.SetGroup), UnixUsers.StatusOf(file));
            Assert.Equal("program", UnixUsers.StatusOf(link)!.Value.LinkTarget);
            Assert.Equal(UnixUsers.EffectiveUserId, UnixUsers.OwnerOf(link));
            Assert.Null(UnixUsers.StatusOf(Path.Combine(folder.FullName, "none")));
            // The way there leads through /tmp, where everybody writes, or is a user's.
            Assert.NotNull(RootOnly.FaultOf(file, UnixUsers.StatusOf, out _));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
