using System.Reflection;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.Files;

namespace TunnelMesh.Tests.Cli;

public sealed class LeaveCommandTests : IDisposable
{
    private readonly CommandLine _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Leaving_is_over_when_the_peer_has_let_go_of_its_home()
    {
        string socket = Path.Combine(_cli.Home, "default.sock");
        ILocalApiHandler peer = Leaver.Make(out Leaver leaver);
        LocalApiServer server = LocalApiServer.Start(peer, socket, TimeProvider.System);
        Task<(int Code, string Output, string Error)> leaving = _cli.RunAsync(["leave"]);
        await leaver.Stopped;
        using (LocalApiClient client = await LocalApiClient.ConnectAsync([socket], TestContext.Current.CancellationToken))
        {
            // As long as it undoes what it has changed.
            Assert.False(await client.WaitForEndAsync(TimeSpan.FromMilliseconds(200), TimeProvider.System, TestContext.Current.CancellationToken));
        }
        Assert.False(leaving.IsCompleted);
        await server.DisposeAsync();
        Assert.Equal((0, "Left the mesh.", ""), await leaving is var (code, output, error) ? (code, output.Trim(), error) : default);
        using FileStream? mine = PrivateFile.TryHold(Path.ChangeExtension(socket, ".lock"));
        Assert.NotNull(mine);
    }

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

    /// <summary>Leaves at once, and notes that it is to stop.</summary>
    public class Leaver : DispatchProxy
    {
        private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Stopped => _stopped.Task;

        internal static ILocalApiHandler Make(out Leaver leaver)
        {
            ILocalApiHandler made = Create<ILocalApiHandler, Leaver>();
            leaver = (Leaver)made;
            return made;
        }

        /// <inheritdoc/>
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            if (targetMethod!.Name == nameof(ILocalApiHandler.LeaveAsync))
            {
                return Task.FromResult(true);
            }
            _stopped.TrySetResult();
            return null;
        }
    }
}
