namespace TunnelMesh.Platform.SystemDns;

/// <summary>
/// Takes files aside and puts them back exactly. A file is written in place: it keeps its owner and whatever else hangs on it, may be a mount of its own, and what network
/// namespaces have mounted over it stays there, which a rename would undo. A link, or nothing, is replaced by a rename.
/// </summary>
internal static class SavedFiles
{
    private const int DefaultMode = 0x1A4; // 0644
    private const int MaxBytes = 256 << 10;

    /// <summary>A file as it is.</summary>
    /// <param name="path">Which.</param>
    /// <param name="ours">What will be put in its place.</param>
    /// <exception cref="IOException">It cannot be read, or is no configuration.</exception>
    internal static SavedFile Read(string path, byte[] ours)
    {
        FileInfo info = new(path);
        if (info.LinkTarget is { } target)
        {
            return new SavedFile { Path = path, LinkTarget = target, Ours = ours };
        }
        if (!info.Exists)
        {
            return new SavedFile { Path = path, Ours = ours };
        }
        if (info.Length > MaxBytes)
        {
            throw new IOException($"{path} is larger than {MaxBytes} bytes.");
        }
        return new SavedFile
        {
            Path = path,
            Content = File.ReadAllBytes(path),
            Mode = OperatingSystem.IsWindows() ? DefaultMode : (int)File.GetUnixFileMode(path),
            WrittenUnixMs = new DateTimeOffset(info.LastWriteTimeUtc).ToUnixTimeMilliseconds(),
            Ours = ours,
        };
    }

    /// <summary>Puts ours in its place.</summary>
    internal static void Replace(SavedFile saved) => Write(saved.Path, saved.Ours, saved.Content is null ? DefaultMode : saved.Mode, null);

    /// <summary>True while ours is there.</summary>
    internal static bool IsOurs(SavedFile saved)
    {
        FileInfo info = new(saved.Path);
        return info is { LinkTarget: null, Exists: true } && info.Length == saved.Ours.Length && File.ReadAllBytes(saved.Path).AsSpan().SequenceEqual(saved.Ours);
    }

    /// <summary>Puts back what was there, if ours is there still, or as much of either as a process has written that was killed over it.</summary>
    internal static void Restore(SavedFile saved)
    {
        if (!IsOurs(saved) && !IsTorn(saved))
        {
            return;
        }
        if (saved.LinkTarget is { } target)
        {
            string temporary = Temporary(saved.Path);
            File.Delete(temporary);
            File.CreateSymbolicLink(temporary, target);
            File.Move(temporary, saved.Path, overwrite: true);
        }
        else if (saved.Content is { } content)
        {
            Write(saved.Path, content, saved.Mode, DateTimeOffset.FromUnixTimeMilliseconds(saved.WrittenUnixMs));
        }
        else
        {
            File.Delete(saved.Path);
        }
    }

    // The writes in place of Write leave this between their two steps: the new text, and behind it the rest of a longer one of before.
    private static bool IsTorn(SavedFile saved)
    {
        FileInfo info = new(saved.Path);
        if (saved.Content is not { } content || content.Length == saved.Ours.Length || info is not { LinkTarget: null, Exists: true } || info.Length != Math.Max(content.Length, saved.Ours.Length))
        {
            return false;
        }
        (byte[] written, byte[] before) = content.Length > saved.Ours.Length ? (saved.Ours, content) : (content, saved.Ours);
        byte[] now = File.ReadAllBytes(saved.Path);
        return now.Length == before.Length && now.AsSpan().StartsWith(written) && now.AsSpan(written.Length).SequenceEqual(before.AsSpan(written.Length));
    }

    private static string Temporary(string path) => path + ".tunnelmesh";

    private static void Write(string path, byte[] content, int mode, DateTimeOffset? written)
    {
        bool inPlace = new FileInfo(path) is { Exists: true, LinkTarget: null };
        string target = inPlace ? path : Temporary(path);
        using (FileStream file = new(target, inPlace ? FileMode.Open : FileMode.Create, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0))
        {
            // Before it is cut: whoever reads at this moment finds lines of before behind ours, not an empty file.
            file.Write(content);
            file.SetLength(content.Length);
            file.Flush(flushToDisk: true);
        }
        Finish(target, mode, written);
        if (!inPlace)
        {
            File.Move(target, path, overwrite: true);
        }
    }

    private static void Finish(string path, int mode, DateTimeOffset? written)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, (UnixFileMode)mode);
        }
        if (written is { } time)
        {
            File.SetLastWriteTimeUtc(path, time.UtcDateTime);
        }
    }
}
