using TunnelMesh.Platform.Services;

namespace TunnelMesh.Platform.Trust;

/// <summary>Where an operating system keeps the authorities that its programs trust.</summary>
public abstract class TrustStore
{
    private readonly Func<IReadOnlyList<string>, (int Code, string Said)> _run;

    private protected TrustStore(Func<IReadOnlyList<string>, (int Code, string Said)> run) => _run = run;

    /// <summary>The one of this system; null where none is known.</summary>
    /// <param name="root">Files are looked for and go below this directory; null for the system itself.</param>
    public static TrustStore? ForThisSystem(string? root) =>
        OperatingSystem.IsWindows() ? new WindowsTrustStore(new ServiceProgram().Try)
        : OperatingSystem.IsMacOS() ? new MacOSTrustStore(new ServiceProgram().Try)
        : ForLinux(root, new ServiceProgram().Try);

    /// <summary>The one of a distribution, told by the directory that it has for authorities of the machine's owner.</summary>
    internal static TrustStore? ForLinux(string? root, Func<IReadOnlyList<string>, (int Code, string Said)> run)
    {
        foreach (Func<TrustStore> make in (Func<TrustStore>[])
        [
            () => FileTrustStore.RedHat(root, run), () => FileTrustStore.Suse(root, run), () => FileTrustStore.Debian(root, run), () => new ArchTrustStore(root, run),
        ])
        {
            TrustStore store = make();
            if (store.IsPresent())
            {
                return store;
            }
        }
        return null;
    }

    /// <summary>Where it keeps a certificate, for people.</summary>
    public abstract string Place(TrustAnchor anchor);

    /// <summary>True when this system keeps certificates this way.</summary>
    public abstract bool IsPresent();

    /// <summary>True when it has the certificate.</summary>
    /// <exception cref="TrustStoreException">The system does not say.</exception>
    public abstract bool Has(TrustAnchor anchor);

    /// <summary>Adds it, and has the system take notice. May be called again.</summary>
    /// <exception cref="TrustStoreException">The system refused; nothing stays behind.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be written.</exception>
    public abstract void Add(TrustAnchor anchor);

    /// <summary>Takes it out, and has the system take notice. May be called for what is not there.</summary>
    /// <exception cref="TrustStoreException">The system refused.</exception>
    /// <exception cref="IOException">A file cannot be removed.</exception>
    /// <exception cref="UnauthorizedAccessException">A file may not be removed.</exception>
    public abstract void Remove(TrustAnchor anchor);

    /// <summary>Runs a program of the system that has to succeed.</summary>
    private protected void Run(params IReadOnlyList<string> command)
    {
        (int code, string said) = Ask(command);
        if (code != 0)
        {
            throw new TrustStoreException($"`{string.Join(' ', command)}` failed with code {code}: {said}");
        }
    }

    /// <summary>Runs a program of the system whose failure is an answer.</summary>
    private protected (int Code, string Said) Ask(params IReadOnlyList<string> command)
    {
        try
        {
            return _run(command);
        }
        catch (ServiceException e)
        {
            throw new TrustStoreException(e.Message, e);
        }
    }

    /// <summary>Has something done with a file that holds the certificate for as long as that takes.</summary>
    private protected static void WithFile(TrustAnchor anchor, Action<string> use)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("tunnelmesh-ca-");
        try
        {
            string file = Path.Combine(folder.FullName, anchor.FileName + ".pem");
            File.WriteAllText(file, anchor.Pem);
            use(file);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
