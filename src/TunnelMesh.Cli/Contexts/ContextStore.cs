using System.Globalization;
using System.Text;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Node.Control;
using TunnelMesh.Platform.Files;

namespace TunnelMesh.Cli.Contexts;

/// <summary>
/// The contexts of one home: <c>contexts/NAME/</c> holds all that a membership keeps, <c>number</c> in it what its defaults follow; the file <c>active-context</c> in the home
/// names the one that counts when none is named. Several processes may use it at once.
/// </summary>
/// <param name="layout">Where files lie.</param>
internal sealed class ContextStore(HomeLayout layout)
{
    private const string NumberFile = "number", DeviceKeyFile = "device.key";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), Pause = TimeSpan.FromMilliseconds(20);

    private string Folder => Path.Combine(layout.Home, "contexts");

    /// <summary>Names of those that are here, <c>default</c> first, then by name.</summary>
    public IReadOnlyList<string> Names()
    {
        try
        {
            return Directory.Exists(Folder)
                ? [.. Directory.GetDirectories(Folder).Select(d => Path.GetFileName(d)!).Where(ContextName.IsValid).OrderBy(n => n != ContextName.Default).ThenBy(n => n, StringComparer.Ordinal)]
                : [];
        }
        catch (UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>True for one that is here.</summary>
    public bool Exists(string context) => Directory.Exists(layout.ContextDirectory(context));

    /// <summary>Where the configuration of a context is looked for.</summary>
    public string ConfigFile(string context) => layout.ContextConfig(context);

    /// <summary>The number of a context; of one that is not here yet, the one it would get now.</summary>
    public int NumberOf(string context) => Kept(ContextName.Require(context)) ?? Free();

    /// <inheritdoc cref="Ensure(string, out bool)"/>
    public int Ensure(string context) => Ensure(context, out _);

    /// <summary>Makes a context that is not here yet, and gives it its number for good.</summary>
    /// <param name="context">Which.</param>
    /// <param name="made">True when it was not here.</param>
    /// <returns>Its number.</returns>
    /// <exception cref="ConfigException">The name is none, differs from another's only in case, or no number is free.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public int Ensure(string context, out bool made)
    {
        ContextName.Require(context);
        if (Names().FirstOrDefault(n => n != context && n.Equals(context, StringComparison.OrdinalIgnoreCase)) is { } twin)
        {
            throw new ConfigException($"There is a context {twin} already, and not every system tells `{context}` from it. Choose another name.");
        }
        PrivateDirectory.Make(Folder);
        using FileStream alone = Lock();
        string directory = layout.ContextDirectory(context);
        made = !Directory.Exists(directory);
        PrivateDirectory.Make(directory);
        if (Kept(context) is { } kept)
        {
            return kept;
        }
        int number = Free();
        WriteLine(Path.Combine(directory, NumberFile), number.ToString(CultureInfo.InvariantCulture));
        return number;
    }

    /// <summary>True when there is something in it that cannot be made again: a device key, or a configuration that somebody wrote.</summary>
    public bool HoldsIdentity(string context) =>
        File.Exists(Path.Combine(layout.ContextDirectory(context), DeviceKeyFile)) || File.Exists(Path.Combine(layout.ContextDirectory(context), "mesh.json")) || File.Exists(ConfigFile(context));

    /// <summary>Keeps a configuration for a context.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void KeepConfig(string context, byte[] yaml) => PrivateFile.ReplaceShared(ConfigFile(context), yaml);

    /// <summary>Makes a context the one that counts when none is named.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Activate(string context)
    {
        PrivateDirectory.Make(layout.Home);
        WriteLine(layout.ActiveFile, ContextName.Require(context));
    }

    /// <summary>Removes a context with all that is in it; its number is free again. If it was the active one, <c>default</c> is.</summary>
    /// <exception cref="IOException">Something in it cannot be removed.</exception>
    public void Delete(string context)
    {
        using (FileStream alone = Lock())
        {
            Directory.Delete(layout.ContextDirectory(context), recursive: true);
        }
        Deactivate(context);
    }

    /// <summary>Has <c>default</c> count when none is named, if this one does.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Deactivate(string context)
    {
        if (layout.ActiveContext == context && Directory.Exists(layout.Home))
        {
            File.Delete(layout.ActiveFile);
        }
    }

    /// <summary>Removes a context that was made for a membership which did not come to be. One that has anything but what every start makes stays.</summary>
    /// <param name="context">Which.</param>
    /// <exception cref="IOException">It cannot be removed.</exception>
    public void TakeBack(string context)
    {
        using FileStream alone = Lock();
        DirectoryInfo directory = new(layout.ContextDirectory(context));
        if (directory.Exists && directory.EnumerateFileSystemInfos().All(f => f.Name is NumberFile or DeviceKeyFile))
        {
            directory.Delete(recursive: true);
        }
    }

    /// <summary>The membership of a context; null where there is none, or none that can be read.</summary>
    public PeerMembership? Membership(string context)
    {
        try
        {
            return Exists(context) ? PeerStore.PeekMembership(layout.ContextDirectory(context)) : null;
        }
        catch (Exception e) when (e is PeerStoreException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private int? Kept(string context)
    {
        if (context == ContextName.Default)
        {
            return 0;
        }
        try
        {
            return int.TryParse(File.ReadAllText(Path.Combine(layout.ContextDirectory(context), NumberFile)), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int number) &&
                number is > 0 and <= ContextDefaults.MaxNumber ? number : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    // 0 is of `default`, whether it is here or not: its defaults are those that everybody knows.
    private int Free()
    {
        HashSet<int> taken = [.. Names().Select(n => Kept(n) ?? 0)];
        for (int number = 1; number <= ContextDefaults.MaxNumber; number++)
        {
            if (!taken.Contains(number))
            {
                return number;
            }
        }
        throw new ConfigException($"There are {ContextDefaults.MaxNumber} contexts in {layout.Home} already. Delete one: tunnelmesh context delete NAME");
    }

    // Two that come at the same time must not get the same number.
    private FileStream Lock()
    {
        string path = Path.Combine(Folder, ".lock");
        for (TimeSpan waited = TimeSpan.Zero; waited < Patience; waited += Pause)
        {
            if (PrivateFile.TryHold(path) is { } alone)
            {
                return alone;
            }
            Thread.Sleep(Pause);
        }
        throw new IOException($"Another tunnelmesh has been changing the contexts in {Folder} for {Patience.TotalSeconds:0} seconds: it holds {path}. Try again when it has ended.");
    }

    private static void WriteLine(string path, string text) => PrivateFile.ReplaceShared(path, Encoding.UTF8.GetBytes(text + "\n"));
}
