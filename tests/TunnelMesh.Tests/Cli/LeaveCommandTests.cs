namespace TunnelMesh.Tests.Cli;

public sealed class LeaveCommandTests : IDisposable
{
    private readonly CommandLine _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Only_force_forgets_a_mesh_without_a_running_peer_and_says_whether_there_was_one()
    {
        string context = Path.Combine(_cli.Home, "contexts", "default"), membership = Path.Combine(context, "mesh.json");
        Assert.Contains("member of no mesh", (await _cli.RunAsync(["leave", "--force"])).Output, StringComparison.Ordinal);
        Directory.CreateDirectory(context);
        await File.WriteAllTextAsync(membership, "{}", TestContext.Current.CancellationToken);
        (int code, string output, string error) = await _cli.RunAsync(["leave"]);
        Assert.Equal((7, ""), (code, output));
        Assert.Contains("--force", error, StringComparison.Ordinal);
        Assert.True(File.Exists(membership));
        (code, output, _) = await _cli.RunAsync(["leave", "--force"]);
        Assert.Equal(0, code);
        Assert.StartsWith("Forgot the mesh.", output, StringComparison.Ordinal);
        Assert.False(File.Exists(membership));
        Assert.Contains("member of no mesh", (await _cli.RunAsync(["leave", "--force"])).Output, StringComparison.Ordinal);
    }
}
