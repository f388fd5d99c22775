using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using TunnelMesh.Node.LocalApi;
using Cpu = System.Runtime.InteropServices.Architecture;

namespace TunnelMesh.Tests.LocalApi;

/// <summary>Who may do what on the control socket, by the user that the kernel says is there.</summary>
public sealed partial class LocalApiRightsTests : IDisposable
{
    private const uint Nobody = 65534, Unchanged = uint.MaxValue;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("tm");

    public void Dispose() => _directory.Delete(true);

    [Theory]
    [InlineData(Unchanged)]
    [InlineData(Nobody)]
    public async Task Whoever_is_neither_root_nor_the_owner_may_ask_and_change_nothing(uint user)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && RuntimeInformation.ProcessArchitecture is Cpu.X64 or Cpu.Arm64, "needs root on Linux");
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        CancellationToken stop = TestContext.Current.CancellationToken;
        string path = Path.Combine(_directory.FullName, "default.sock");
        ConcurrentQueue<string> called = [];
        await using LocalApiServer server = LocalApiServer.Start(Recorder.Make(called), path, TimeProvider.System);
        Assert.Equal(UnixFileMode.None, File.GetUnixFileMode(path) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute));
        // As the group has it; the thread below keeps the group of this process.
        File.SetUnixFileMode(_directory.FullName, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite);

        using Socket socket = Connect(path, user);
        using StreamReader answers = new(new NetworkStream(socket), Encoding.UTF8);
        foreach ((string command, bool isChange) in Commands())
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes($"{{\"command\":\"{command}\",\"name\":\"a\",\"device_id\":\"d\",\"group\":\"g\",\"member\":\"m\",\"rule\":{{}}}}\n"), stop);
            using JsonDocument answer = JsonDocument.Parse((await answers.ReadLineAsync(stop))!);
            string? error = answer.RootElement.TryGetProperty("error", out JsonElement code) ? code.GetString() : null;
            Assert.Equal((command, user == Nobody && isChange), (command, error == LocalErrorCodes.Forbidden));
        }
        string[] changes = ["Leave", "Revoke", "Tokens", "CreateToken", "Transports", "CreateGroup", "DeleteGroup", "AddToGroup", "RemoveFromGroup", "AddFilterRule", "RemoveFilterRule", "ReloadFilter", "TakeNames", "YieldNames", "RequestShutdown"];
        Assert.Equal(user != Nobody, called.Any(c => changes.Any(start => c.StartsWith(start, StringComparison.Ordinal))));
        Assert.Contains("GetStatus", called);
    }

    // Every command there is: one that is added later counts as a change until it is named here.
    private static IEnumerable<(string Command, bool Changes)> Commands() =>
        typeof(LocalCommands).GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static).Where(f => f.IsLiteral).Select(f => (string)f.GetRawConstantValue()!)
            .Select(c => (c, c is not (LocalCommands.Status or LocalCommands.Peers or LocalCommands.Resolve or LocalCommands.Ping or LocalCommands.NetCheck or LocalCommands.Doctor or LocalCommands.Filter or LocalCommands.Groups or LocalCommands.GroupMembers)))
            .OrderBy(c => c.Item2).ThenBy(c => c.c == LocalCommands.Shutdown);

    // The system call changes the user of this thread alone; libc's function would change the whole process.
    private static Socket Connect(string path, uint user)
    {
        Socket? made = null;
        Exception? failure = null;
        Thread thread = new(() =>
        {
            try
            {
                if (user != Unchanged && SystemCall(RuntimeInformation.ProcessArchitecture == Cpu.X64 ? 117 : 147, Unchanged, user, Unchanged) != 0)
                {
                    throw new IOException("setresuid was refused");
                }
                made = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                made.Connect(new UnixDomainSocketEndPoint(path));
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        return failure is null ? made! : throw new InvalidOperationException("no connection", failure);
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial long SystemCall(long number, uint real, uint effective, uint saved);

    /// <summary>Notes what it is asked for and answers with an error.</summary>
    public class Recorder : DispatchProxy
    {
        private ConcurrentQueue<string> _called = [];

        internal static ILocalApiHandler Make(ConcurrentQueue<string> called)
        {
            ILocalApiHandler handler = Create<ILocalApiHandler, Recorder>();
            ((Recorder)(object)handler)._called = called;
            return handler;
        }

        /// <inheritdoc/>
        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            _called.Enqueue(targetMethod!.Name);
            return targetMethod.Name == nameof(ILocalApiHandler.RequestShutdown) ? null : throw new InvalidOperationException("noted");
        }
    }
}
