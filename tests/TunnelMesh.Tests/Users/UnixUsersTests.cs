using TunnelMesh.Platform.Users;

namespace TunnelMesh.Tests.Users;

public sealed class UnixUsersTests
{
    [Fact]
    public void Root_is_found_by_name_and_by_number_and_nobody_by_a_name_that_no_user_has()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        UnixUser root = UnixUsers.FindUser("root")!;
        Assert.Equal(("root", 0u, 0u), (root.Name, root.Id, root.Group));
        Assert.StartsWith("/", root.Home, StringComparison.Ordinal);
        Assert.Equal(root, UnixUsers.FindUser(0));
        Assert.Null(UnixUsers.FindUser("no such:user"));
        Assert.Null(UnixUsers.FindUser(""));
        Assert.Null(UnixUsers.FindUser(UnixUsers.Unknown - 17));
    }

    [Fact]
    public void Each_user_of_the_file_is_found_with_what_stands_there()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        foreach (string[] entry in File.ReadLines("/etc/passwd").Select(l => l.Split(':')).Where(e => e.Length == 7))
        {
            UnixUser? found = UnixUsers.FindUser(entry[0]);
            Assert.Equal($"{entry[0]} {entry[2]} {entry[3]} {entry[5]}", $"{found?.Name} {found?.Id} {found?.Group} {found?.Home}");
        }
    }
}
