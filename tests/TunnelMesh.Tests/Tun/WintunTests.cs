using System.Runtime.InteropServices;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Tests.Tun;

public sealed class WintunTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("tunnelmesh-wintun").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void A_missing_driver_is_named_with_where_to_get_it_and_ends_with_the_documented_code()
    {
        TunException e = Assert.Throws<TunException>(() => Wintun.Load(_directory));
        Assert.Equal(TunError.NoDriver, e.Error);
        Assert.Equal(ExitCode.Permission, ExitCodes.Of(e));
        Assert.Contains(Path.Combine(_directory, "wintun.dll"), e.Message, StringComparison.Ordinal);
        Assert.Contains("https://www.wintun.net", e.Message, StringComparison.Ordinal);
        Assert.Contains(RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? @"bin\arm64\wintun.dll" : @"bin\amd64\wintun.dll", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_library_is_not_searched_for_elsewhere()
    {
        File.WriteAllText(Path.Combine(_directory, "wintun.dll"), "no library");
        TunException e = Assert.Throws<TunException>(() => Wintun.Load(_directory));
        Assert.Equal(TunError.NoDriver, e.Error);
        Assert.Contains("cannot be loaded", e.Message, StringComparison.Ordinal);
        Assert.Contains("https://www.wintun.net", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_of_another_version_is_refused_before_it_is_called()
    {
        // Any library without the functions of 0.14 stands for an older one.
        File.CreateSymbolicLink(Path.Combine(_directory, "wintun.dll"), Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "libSystem.Native.so"));
        TunException e = Assert.Throws<TunException>(() => Wintun.Load(_directory));
        Assert.Equal(TunError.NoDriver, e.Error);
        Assert.Contains("older than version 0.14", e.Message, StringComparison.Ordinal);
    }
}
