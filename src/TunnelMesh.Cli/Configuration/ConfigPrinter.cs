using System.Text;

namespace TunnelMesh.Cli.Configuration;

/// <summary>Prints the table as a commented file that is valid as it is.</summary>
internal static class ConfigPrinter
{
    /// <summary>The YAML text; it parses to the defaults.</summary>
    public static string Print()
    {
        StringBuilder text = new();
        text.Append("# Configuration of a TunnelMesh peer. Every key is shown with its default; all may be left out.\n");
        text.Append("# The mesh token never goes into this file: set TUNNELMESH_TOKEN in the environment.\n");
        string[] open = [];
        foreach (ConfigKey key in ConfigKeys.All)
        {
            string[] parts = key.Path.Split('.');
            int shared = 0;
            while (shared < open.Length && shared < parts.Length - 1 && open[shared] == parts[shared])
            {
                shared++;
            }
            text.Append('\n');
            for (; shared < parts.Length - 1; shared++)
            {
                text.Append(' ', shared * 2).Append(parts[shared]).Append(":\n");
            }
            open = parts[..^1];
            int indent = open.Length * 2;
            text.Append(' ', indent).Append("# ").Append(key.Doc).Append(" Expected: ").Append(key.Type).Append('.');
            text.Append(key.Supported ? "\n" : " Not yet supported in this version: leave it as it is.\n");
            if (key.Derived is not null)
            {
                text.Append(' ', indent).Append("# Default: ").Append(key.Derived).Append(".\n");
                text.Append(' ', indent).Append("# ").Append(parts[^1]).Append(":\n");
            }
            else
            {
                text.Append(' ', indent).Append(parts[^1]).Append(": ").Append(key.Default).Append('\n');
            }
        }
        return text.ToString();
    }
}
