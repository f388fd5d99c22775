using System.Runtime.Versioning;
using TunnelMesh.Platform.Processes;
using TunnelMesh.Platform.Services;
using TunnelMesh.Platform.SystemDns;

namespace TunnelMesh.Tests.Processes;

[SupportedOSPlatform("linux")]
public class ProgramPipeTests
{
    private static readonly string[] Outputs = ["/proc/self/fd/1", "/proc/self/fd/2"];

    [Theory, InlineData("output"), InlineData("names"), InlineData("services")]
    public async Task Nothing_is_left_of_a_program_that_has_ended(string runner)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux shows descriptors as files");
        // It says what its outputs are: pipes, whose other ends are here.
        string said = runner switch
        {
            "output" => await ProgramOutput.ReadAsync("readlink", Outputs, TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken) ?? "",
            "names" => SystemProgram.Read("/usr/bin/readlink", Outputs, ""),
            _ => new ServiceProgram().Ask(["readlink", .. Outputs]).Output,
        };
        string[] pipes = said.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.Equal(2, pipes.Length);
        Assert.All(pipes, pipe => Assert.StartsWith("pipe:", pipe, StringComparison.Ordinal));
        Assert.Empty(Directory.GetFiles("/proc/self/fd").Select(Target).Intersect(pipes));
    }

    // Another test may close one of its own in between.
    private static string Target(string descriptor)
    {
        try
        {
            return File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.Name ?? "";
        }
        catch (IOException)
        {
            return "";
        }
    }
}
