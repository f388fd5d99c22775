using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Files;

/// <summary>
/// A file that stands for something only one may have at a time, as <see cref="PrivateFile.TryHold"/> has it, and that goes with its holder. Only who holds it takes it away; and since another may have opened it
/// before that and hold it after, where nobody else looks, a hold counts only while the name leads to the file that is held. Where the system does not tell files apart (Linux does), the file stays. One thread at a time.
/// </summary>
public sealed class PassingHold : IDisposable
{
    // Each time somebody else has let go in the instant between.
    private const int Attempts = 100;
    private readonly string _path;
    private readonly FileStream _file;

    private PassingHold(string path, FileStream file) => (_path, _file) = (path, file);

    /// <summary>Holds the file.</summary>
    /// <param name="path">The file; made when missing.</param>
    /// <returns>To be disposed of; null while another has it, in this process or elsewhere.</returns>
    /// <exception cref="IOException">It cannot be made.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made.</exception>
    public static PassingHold? TryTake(string path) => TryTake(path, PrivateFile.TryHold);

    /// <param name="path">The file.</param>
    /// <param name="hold">Opens and locks it.</param>
    internal static PassingHold? TryTake(string path, Func<string, FileStream?> hold)
    {
        for (int left = Attempts; left > 0 && hold(path) is { } file; left--)
        {
            PassingHold taken = new(path, file);
            if (taken.IsNamed != false)
            {
                return taken;
            }

            file.Dispose();
        }

        return null;
    }

    /// <summary>Takes the file away, and lets go of it.</summary>
    public void Dispose()
    {
        try
        {
            // One that another put there since, after this one was removed by hand, is not ours.
            if (IsNamed == true)
            {
                File.Delete(_path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It stays, and stands for nothing.
        }

        _file.Dispose();
    }

    // Null where the system does not say.
    private bool? IsNamed => LinuxFileStatus.Of(_file.SafeFileHandle) is not { } held ? null : LinuxFileStatus.Of(_path, follow: false) is { } named && named.IsSameFile(held);
}
