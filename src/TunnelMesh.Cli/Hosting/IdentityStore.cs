using System.Security.Cryptography;
using System.Text;
using TunnelMesh.Platform.Files;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Cli.Hosting;

/// <summary>The user's identity key on disk: OpenSSH format, 0600, in a directory 0700 when it is made here, its public half beside it.</summary>
internal static class IdentityStore
{
    private const int MaxBytes = 64 * 1024;
    private const string Comment = "tunnelmesh";

    /// <summary>Reads the key, or makes one when the file does not exist. An existing file is never written to.</summary>
    /// <param name="path">The private key.</param>
    /// <param name="made">True when the key was made now.</param>
    /// <exception cref="IdentityFormatException">Encrypted, of another type or damaged; the message names the file.</exception>
    /// <exception cref="IOException">The file cannot be read or made.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not read or make it.</exception>
    public static IdentityKey LoadOrCreate(string path, out bool made)
    {
        made = false;
        if (!File.Exists(path))
        {
            if (Directory.Exists(path))
            {
                throw new IdentityFormatException($"{path} is a directory, not an identity key. Name the key file in private_key.");
            }
            PrivateDirectory.Make(Path.GetDirectoryName(Path.GetFullPath(path))!);
            IdentityKey key = IdentityKey.Generate(RandomNumberGenerator.Fill);
            if (TryWrite(path, key))
            {
                made = true;
                return key;
            }
        }
        try
        {
            return new FileInfo(path).Length > MaxBytes
                ? throw new IdentityFormatException("The file is too large for an identity key.")
                : IdentityKey.ParseOpenSshPrivate(File.ReadAllText(path));
        }
        catch (IdentityFormatException e)
        {
            throw new IdentityFormatException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>True when others than the owner may read the file; always false on Windows, where its access list decides.</summary>
    public static bool IsExposed(string path) => !OperatingSystem.IsWindows() &&
        (File.GetUnixFileMode(path) & (UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0;

    // False when another process was faster: its key counts.
    private static bool TryWrite(string path, IdentityKey key)
    {
        if (!PrivateFile.TryWriteNew(path, Encoding.ASCII.GetBytes(key.ToOpenSshPrivate(Comment))))
        {
            return false;
        }
        File.WriteAllText(path + ".pub", key.ToOpenSshPublic(Comment) + "\n");
        return true;
    }
}
