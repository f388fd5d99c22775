using System.Formats.Tar;
using System.IO.Compression;
using System.Text;

namespace TunnelMesh.Cli.BugReports;

/// <summary>The file of a bug report: a tar of plain texts, gzipped, readable by its owner only.</summary>
internal static class BugReportArchive
{
    /// <summary>Cleans the parts, and writes them; the last one lists what there is.</summary>
    /// <param name="path">The file; one that exists is never written over.</param>
    /// <param name="parts">The parts.</param>
    /// <param name="redactor">Takes secrets out of each.</param>
    /// <param name="now">Time of the files in it.</param>
    /// <returns>The list: name, size in bytes, what it is.</returns>
    /// <exception cref="IOException">The file exists, or cannot be written; then nothing is left of it.</exception>
    public static IReadOnlyList<(string Name, int Bytes, string What)> Write(string path, IEnumerable<BugReportPart> parts, Redactor redactor, DateTimeOffset now)
    {
        List<(string Name, byte[] Bytes, string What)> files = [.. parts.Select(p => (p.Name, Encoding.UTF8.GetBytes(redactor.Clean(p.Text)), p.What))];
        string list = string.Concat(files.Select(f => $"{f.Name}\t{f.Bytes.Length}\t{f.What}\n")) + $"Parts that were or looked like secrets and were left out: {redactor.Count}\n";
        files.Add(("contents.txt", Encoding.UTF8.GetBytes(list), "this list"));
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        FileStream file = new(path, options);
        try
        {
            using (file)
            using (GZipStream gzip = new(file, CompressionLevel.Optimal))
            using (TarWriter tar = new(gzip, TarEntryFormat.Ustar))
            {
                foreach ((string name, byte[] bytes, _) in files)
                {
                    tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, $"tunnelmesh-bugreport/{name}")
                    {
                        DataStream = new MemoryStream(bytes),
                        ModificationTime = now,
                        Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                    });
                }
            }
        }
        catch
        {
            File.Delete(path);
            throw;
        }
        return [.. files.Select(f => (f.Name, f.Bytes.Length, f.What))];
    }
}
