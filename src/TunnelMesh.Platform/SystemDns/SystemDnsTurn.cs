using System.Text;
using TunnelMesh.Platform.Files;

namespace TunnelMesh.Platform.SystemDns;

/// <summary>
/// Which peer of this machine the system asks for names, whatever homes they have: that peer holds a file locked, which goes with it or which the kernel lets go of however the process ends, and says
/// beside it who it is. Whoever wants its place says so in a third file, which the holder finds when it looks. Linux only, one thread at a time.
/// </summary>
public sealed class SystemDnsTurn : IDisposable
{
    private const int MaxOwnerBytes = 4096;
    private const UnixFileMode Everybodys = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute |
        UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    /// <summary>The holder looks every few seconds, and may run programs to put the system back.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(12), Pause = TimeSpan.FromMilliseconds(50);
    private readonly string _path;
    private readonly string _owner;
    private readonly TimeProvider _time;
    private PassingHold? _held;

    internal SystemDnsTurn(string path, string owner, TimeProvider time) => (_path, _owner, _time) = (path, owner, time);

    /// <summary>Of the peers in this process's network namespace.</summary>
    /// <param name="directory">A directory that all of them see and only root writes to; it is made when it is missing.</param>
    /// <param name="owner">Who this is, for people.</param>
    /// <param name="time">The clock.</param>
    public static SystemDnsTurn OfThisNetwork(string directory, string owner, TimeProvider time)
    {
        string network = new([.. (ProcLink.Target("/proc/self/ns/net") ?? "").Where(char.IsAsciiDigit)]);
        return new SystemDnsTurn(Path.Combine(directory, $"names-{network}"), owner, time);
    }

    private string Holder => _path + ".holder";

    private string Wish => _path + ".wanted";

    /// <summary>Takes it, unless another has it. Where the file cannot be, nobody else's is there either, and it is taken.</summary>
    /// <param name="holder">Who has it, when this one has not.</param>
    public bool TryTake(out string? holder)
    {
        holder = null;
        if (_held is not null)
        {
            return true;
        }
        try
        {
            if (!OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(Path.GetDirectoryName(_path)!, Everybodys);
            }
            _held = PassingHold.TryTake(_path);
            if (_held is null)
            {
                holder = Read(Holder) is { Length: > 0 } named ? named : "another peer";
                return false;
            }
            File.WriteAllText(Holder, _owner);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without its name it is held as well.
            return true;
        }
    }

    /// <summary>Asks whoever has it for it, and takes it when it is given up.</summary>
    /// <param name="cancel">Gives up.</param>
    /// <returns>False when it was not, in time.</returns>
    public async Task<bool> AskAsync(CancellationToken cancel)
    {
        long start = _time.GetTimestamp();
        try
        {
            while (!TryTake(out _))
            {
                if (_time.GetElapsedTime(start) > Patience)
                {
                    return false;
                }
                // One that gave it up may have been followed by another of its home, which has not been asked yet.
                if (!File.Exists(Wish))
                {
                    await File.WriteAllTextAsync(Wish, _owner, cancel).ConfigureAwait(false);
                }
                await Task.Delay(Pause, _time, cancel).ConfigureAwait(false);
            }
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
        finally
        {
            Delete(Wish);
        }
    }

    /// <summary>Who wants it in this one's place, told once; null for nobody.</summary>
    public string? WantedBy()
    {
        if (_held is null || !File.Exists(Wish))
        {
            return null;
        }
        string wanted = Read(Wish);
        Delete(Wish);
        return wanted.Length > 0 ? wanted : null;
    }

    /// <summary>Lets go of it.</summary>
    public void Release()
    {
        if (_held is { } held)
        {
            // Before the next one can write his.
            Delete(Holder);
            held.Dispose();
            _held = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Release();

    private static void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A name that stays is told wrongly until the next one writes his; for a wish that stays the holder gives way once for nobody.
        }
    }

    // For people, and from a file that only root writes.
    private static string Read(string path)
    {
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            byte[] text = new byte[MaxOwnerBytes];
            return Encoding.UTF8.GetString(text, 0, file.ReadAtLeast(text, text.Length, throwOnEndOfStream: false));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
