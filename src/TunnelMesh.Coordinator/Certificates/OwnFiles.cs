using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TunnelMesh.Coordinator.Certificates;

/// <summary>A certificate and its key in one PEM file, so that the pair is replaced as one.</summary>
internal static class PemFiles
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

    /// <summary>Writes a new file whole or not at all; refuses to replace one.</summary>
    internal static void Write(string file, X509Certificate2 certificate)
    {
        using ECDsa key = certificate.GetECDsaPrivateKey()!;
        string temporary = $"{file}.{Guid.NewGuid():N}.tmp";
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }
        try
        {
            using (FileStream stream = new(temporary, options))
            {
                stream.Write(System.Text.Encoding.ASCII.GetBytes($"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n"));
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, file, overwrite: false);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

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
            throw new CertificateStoreException($"{file} is damaged and was left as it is. Restore it from a backup.", e);
        }
        if (now > certificate.NotAfter)
        {
            DateTime end = certificate.NotAfter.ToUniversalTime();
            certificate.Dispose();
            throw new CertificateStoreException($"The certificate in {file} ended at {end:u}. Check the clock of this machine.");
        }
        return certificate;
    }
}
