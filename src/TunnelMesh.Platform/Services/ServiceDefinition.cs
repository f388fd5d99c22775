using System.Globalization;
using System.Text;

namespace TunnelMesh.Platform.Services;

/// <summary>What runs a peer of one context as a service. Holds no secret: it ends up in files and lists that everybody may read.</summary>
public sealed record ServiceDefinition
{
    /// <summary>Name for programs: <c>tunnelmesh</c>, <c>tunnelmesh-work</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Whom it runs as; null for root. Known to systemd only.</summary>
    public ServiceAccount? Account { get; init; }

    /// <summary>The context, for people.</summary>
    public required string Context { get; init; }

    /// <summary>The program, an absolute path.</summary>
    public required string Program { get; init; }

    /// <summary>Its arguments, each as it is.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>Variables that anybody may see.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Environment { get; init; } = [];

    /// <summary>File of those that are secret, an absolute path; read by the service manager when the service starts.</summary>
    public required string EnvironmentFile { get; init; }

    /// <summary>A file without which the service is not started, or null.</summary>
    public string? OnlyWhenExists { get; init; }

    /// <summary>A file with which it is not started, or null.</summary>
    public string? NotWhenExists { get; init; }

    /// <summary>Directories that the program writes to, absolute; they need not exist.</summary>
    public IReadOnlyList<string> Writable { get; init; } = [];

    /// <summary>One of them that is made, for root alone, before each start if it is not there: a unit can only open up what exists. Null where whoever writes the description has made them.</summary>
    public string? MadeBeforeStart { get; init; }

    /// <summary>Files that the program reads and that a hidden home directory would take away, absolute.</summary>
    public IReadOnlyList<string> Readable { get; init; } = [];

    /// <summary>A group that exists and whose members may ask the peer, or null.</summary>
    public string? Group { get; init; }

    /// <summary>True for a peer that changes settings of the kernel's network, as exit traffic needs.</summary>
    public bool ChangesKernelSettings { get; init; }

    /// <summary>Arguments by which the program closes the way to the internet before there is a network, at the start of the system; null where it is to do nothing then.</summary>
    public IReadOnlyList<string>? AtBoot { get; init; }

    /// <summary>True for a build that compiles while it runs, which needs memory that is both written and executed.</summary>
    public bool CompilesAtRunTime { get; init; }

    /// <summary>The name of a context's service.</summary>
    /// <param name="context">A label.</param>
    public static string NameOf(string context) => context == "default" ? "tunnelmesh" : $"tunnelmesh-{context}";

    /// <summary>
    /// The name of the service of a user's context: <c>tunnelmesh:alice</c>, <c>tunnelmesh:alice:work</c>. No user's name and no context's has a colon, so no two of them meet, nor does one
    /// of the system's. What a unit may not be called is written as systemd-escape(1) does: <c>tunnelmesh:alice\x40example.org</c>.
    /// </summary>
    /// <param name="context">A label.</param>
    /// <param name="user">Login name.</param>
    public static string NameOf(string context, string user)
    {
        ArgumentNullException.ThrowIfNull(user);
        StringBuilder name = new("tunnelmesh:");
        foreach (byte b in Encoding.UTF8.GetBytes(user))
        {
            char c = (char)b;
            _ = char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? name.Append(c) : name.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}");
        }
        return context == "default" ? name.ToString() : name.Append(':').Append(context).ToString();
    }
}
