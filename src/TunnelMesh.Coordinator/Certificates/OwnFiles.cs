using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace TunnelMesh.Coordinator.Certificates;

/// <summary>Files and directories for their owner only. A certificate and its key share a PEM file, so that they always match.</summary>
internal static class OwnFiles
{
    internal static void MakeDirectory(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(directory);
        }
        else
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>Makes a file that is not there yet, with mode 0600.</summary>
    internal static FileStream Create(string file)
    {
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        return new FileStream(file, options);
    }

    /// <summary>Writes a certificate with its key to a new file.</summary>
    internal static void Write(string file, X509Certificate2 certificate)
    {
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        WriteNew(file, Encoding.ASCII.GetBytes($"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n"));
    }

    /// <summary>Writes a new file with mode 0600, whole or not at all; refuses to replace one.</summary>
    internal static void WriteNew(string file, ReadOnlySpan<byte> content)
    {
        string temporary = $"{file}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (FileStream stream = Create(temporary))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, file, overwrite: false);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>A certificate authority with its key.</summary>
    /// <exception cref="CertificateStoreException">Damaged, without its key, no authority, or not valid at this time.</exception>
    internal static X509Certificate2 Read(string file, DateTimeOffset now)
    {
        X509Certificate2 certificate;
        try
        {
            string text = File.ReadAllText(file);
            certificate = X509Certificate2.CreateFromPem(text, text);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new CertificateStoreException($"{file} is damaged, or its key belongs to another certificate; it was left as it is. Restore it from a backup.", e);
        }
        using ECDsa? key = certificate.GetECDsaPrivateKey();
        string? problem =
            key is null ? "holds a key of another kind than ECDSA; it was left as it is. Restore it from a backup."
            : !certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(e => e.CertificateAuthority) ? "holds no authority's certificate; it was left as it is. Restore it from a backup."
            : now > certificate.NotAfter ? $"holds a certificate that ended at {certificate.NotAfter.ToUniversalTime():u}. Check the clock of this machine."
            : now < certificate.NotBefore ? $"holds a certificate that begins at {certificate.NotBefore.ToUniversalTime():u}. The clock of this machine is behind; set it."
            : null;
        if (problem is not null)
        {
            certificate.Dispose();
            throw new CertificateStoreException($"{file} {problem}");
        }
        return certificate;
    }
}
