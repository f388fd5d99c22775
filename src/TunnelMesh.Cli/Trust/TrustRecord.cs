using System.Security.Cryptography;
using TunnelMesh.Cli.Hosting;

namespace TunnelMesh.Cli.Trust;

/// <summary>What a context remembers of trust: the authority that the system was given, so that it can be taken out when the mesh is left, and the one that a person was asked about.</summary>
/// <param name="directory">The context's directory.</param>
internal sealed class TrustRecord(string directory)
{
    private readonly string _offered = System.IO.Path.Combine(directory, "trust-offered");

    /// <summary>The file that is there while the system has an authority from this context: the certificate, PEM.</summary>
    public string Path { get; } = System.IO.Path.Combine(directory, "trusted-ca.pem");

    /// <summary>That of a context.</summary>
    public static TrustRecord Of(HomeLayout layout, string context) => new(layout.ContextDirectory(context));

    /// <summary>The authority that the system was given, DER; null for none.</summary>
    public byte[]? Load()
    {
        if (!File.Exists(Path))
        {
            return null;
        }
        string text = File.ReadAllText(Path);
        return PemEncoding.TryFind(text, out PemFields fields) ? Convert.FromBase64String(text[fields.Base64Data]) : null;
    }

    /// <summary>Notes that the system is given an authority; before it is, so that it is never there without a note.</summary>
    /// <param name="pem">PEM text.</param>
    public void Save(string pem) => File.WriteAllText(Path, pem);

    /// <summary>The system has it no more.</summary>
    public void Clear() => File.Delete(Path);

    /// <summary>True when a person has been asked about this authority.</summary>
    /// <param name="sha256">Of its certificate.</param>
    public bool WasOffered(string sha256) => File.Exists(_offered) && File.ReadAllText(_offered).Trim() == sha256;

    /// <summary>Notes that a person is asked about an authority.</summary>
    /// <param name="sha256">Of its certificate.</param>
    public void NoteOffer(string sha256) => File.WriteAllText(_offered, sha256 + "\n");
}
