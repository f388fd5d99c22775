using TunnelMesh.Platform.Services;

namespace TunnelMesh.Tests.Services;

public sealed class WindowsServiceArgumentsTests
{
    [Fact]
    public void What_is_written_is_read()
    {
        ServiceDefinition service = SystemdUnitTests.Plain with { Environment = [new("HOME", @"C:\Users\a=b c")], OnlyWhenExists = @"C:\Users\mesh.json" };
        WindowsServiceArguments read = WindowsServiceArguments.Read(WindowsServiceArguments.Write(service))!;
        Assert.Equal((service.Name, service.Context, service.OnlyWhenExists), (read.Name, read.Context, read.OnlyWhenExists));
        Assert.Equal(service.Environment, read.Variables);
        Assert.Equal(service.Arguments, read.Command);
    }

    [Theory]
    [InlineData("join")]
    [InlineData("@service", "tunnelmesh")]
    [InlineData("@service", "tunnelmesh", "work", "-", "--", "join")]
    [InlineData("@service", "tunnelmesh", "default", "-", "join")]
    [InlineData("@service", "tunnelmesh", "default", "-", "=x", "--", "join")]
    [InlineData("@service", "tunnelmesh", "default", "-", "HOME=x")]
    public void Anything_else_is_none_of_ours(params string[] arguments) => Assert.Null(WindowsServiceArguments.Read(arguments));

    [Theory]
    [InlineData(@"C:\Program Files\TunnelMesh\tunnelmesh.exe", true)]
    [InlineData(@"c:\program files\tunnelmesh.exe", true)]
    [InlineData(@"C:\Program Files\..\Users\x\tunnelmesh.exe", false)]
    [InlineData(@"C:\Program Files Of Mine\tunnelmesh.exe", false)]
    [InlineData(@"C:\Users\x\Downloads\tunnelmesh.exe", false)]
    public void Only_programs_below_the_system_s_own_folders_are_safe(string program, bool isSafe) =>
        Assert.Equal(isSafe, WindowsServicePaths.IsSafe(program, [@"C:\Program Files", ""]));

    [Fact]
    public void Files_are_named_by_context()
    {
        Assert.Equal(@"C:\ProgramData\TunnelMesh\env.conf", WindowsServicePaths.Environment(@"C:\ProgramData", "default"));
        Assert.Equal(@"C:\ProgramData\TunnelMesh\env-work.conf", WindowsServicePaths.Environment(@"C:\ProgramData", "work"));
        Assert.Equal(@"C:\ProgramData\TunnelMesh\tunnelmesh-work.log", WindowsServicePaths.Log(@"C:\ProgramData", "tunnelmesh-work"));
    }
}
