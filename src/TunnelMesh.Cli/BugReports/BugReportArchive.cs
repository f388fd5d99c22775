using System.IO.Compression;
using System.Text;
using TunnelMesh.Platform.Files;

namespace TunnelMesh.Cli.BugReports;

/// <summary>The file of a bug report: a tar of plain texts, gzipped, readable by its owner only.</summary>
internal static class BugReportArchive
{
    private const int Block = 512;

    /// <summary>Cleans the parts, and writes them; the last one lists what there is.</summary>
    /// <param name="path">The file; one that exists is never written over.</param>
    /// <param name="parts">The parts.</param>
    /// <param name="redactor">Takes secrets out of each.</param>
    /// <param name="now">Time of the files in it.</param>
    /// <returns>The list.</returns>
    /// <exception cref="IOException">The file exists, or cannot be written; then nothing is left of it.</exception>
    public static IReadOnlyList<BugReportFile> Write(string path, IEnumerable<BugReportPart> parts, Redactor redactor, DateTimeOffset now)
    {
        List<(string Name, byte[] Bytes, string What)> files = [.. parts.Select(p => (p.Name, Encoding.UTF8.GetBytes(redactor.Clean(p.Text)), p.What))];
        string list = string.Concat(files.Select(f => $"{f.Name}\t{f.Bytes.Length}\t{f.What}\n")) + $"Parts that were or looked like secrets and were left out: {redactor.Count}\n";
        files.Add(("contents.txt", Encoding.UTF8.GetBytes(list), "this list"));
        FileStream file = PrivateFile.Open(path, FileMode.CreateNew);
        try
        {
            using (file)
            using (GZipStream gzip = new(file, CompressionLevel.Optimal))
            {
                foreach ((string name, byte[] bytes, _) in files)
                {
                    gzip.Write(Header($"tunnelmesh-bugreport/{name}", bytes.Length, now));
                    gzip.Write(bytes);
                    gzip.Write(new byte[Padding(bytes.Length)]);
                }
                // Two empty blocks are the end.
                gzip.Write(new byte[2 * Block]);
            }
        }
        catch
        {
            File.Delete(path);
            throw;
        }
        return [.. files.Select(f => new BugReportFile(f.Name, f.Bytes.Length, f.What))];
    }

    private static int Padding(int length) => (Block - (length % Block)) % Block;

    // The header of a plain file (POSIX.1-2017, pax, ustar interchange format): numbers are octal text, and the sum counts its own field as blanks.
    private static byte[] Header(string name, int length, DateTimeOffset time)
    {
        byte[] header = new byte[Block];
        Put(0, name);
        Put(100, "0000600");
        Put(108, "0000000");
        Put(116, "0000000");
        Put(124, Convert.ToString(length, 8).PadLeft(11, '0'));
        Put(136, Convert.ToString(time.ToUnixTimeSeconds(), 8).PadLeft(11, '0'));
        Put(148, "        ");
        Put(156, "0");
        Put(257, "ustar\0" + "00");
        int sum = header.Sum(b => b);
        Put(148, Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ");
        return header;

        void Put(int at, string text) => Encoding.ASCII.GetBytes(text, header.AsSpan(at));
    }
}
