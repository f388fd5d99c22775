namespace TunnelMesh.Platform.Services;

/// <summary>How the command line of a Windows service tells the program that it is one: a verb that no person types, name and home, and then what it runs. Pure.</summary>
/// <param name="Name">Name of the service.</param>
/// <param name="Context">Its context.</param>
/// <param name="OnlyWhenExists">A file without which the service has nothing to do, or null.</param>
/// <param name="Variables">Variables that anybody may see.</param>
/// <param name="Command">The command line that the service runs.</param>
public sealed record WindowsServiceArguments(string Name, string Context, string? OnlyWhenExists, IReadOnlyList<KeyValuePair<string, string>> Variables, IReadOnlyList<string> Command)
{
    /// <summary>The verb.</summary>
    public const string Verb = "@service";
    private const string End = "--", None = "-";

    /// <summary>The arguments of the program.</summary>
    /// <param name="service">The service.</param>
    public static IReadOnlyList<string> Write(ServiceDefinition service)
    {
        ArgumentNullException.ThrowIfNull(service);
        return [Verb, service.Name, service.Context, service.OnlyWhenExists ?? None, .. service.Environment.Select(v => $"{v.Key}={v.Value}"), End, .. service.Arguments];
    }

    /// <summary>Reads them.</summary>
    /// <param name="arguments">Arguments of the program.</param>
    /// <returns>Null when they are not such.</returns>
    public static WindowsServiceArguments? Read(IReadOnlyList<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        if (arguments is not [Verb, string name, string context, string file, ..] || name != ServiceDefinition.NameOf(context))
        {
            return null;
        }

        List<KeyValuePair<string, string>> variables = [];
        for (int i = 4; i < arguments.Count; i++)
        {
            if (arguments[i] == End)
            {
                return new(name, context, file == None ? null : file, variables, [.. arguments.Skip(i + 1)]);
            }

            if (arguments[i].Split('=', 2) is not [{ Length: > 0 } variable, string value])
            {
                return null;
            }

            variables.Add(new(variable, value));
        }

        return null;
    }

    /// <summary>True for a command line of a service that <see cref="Write"/> made.</summary>
    /// <param name="commandLine">As the manager keeps it.</param>
    /// <param name="name">Name of the service.</param>
    public static bool IsOurs(string commandLine, string name)
    {
        ArgumentNullException.ThrowIfNull(commandLine);
        return commandLine.Contains($" {Verb} {name} ", StringComparison.Ordinal);
    }
}
