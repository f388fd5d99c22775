using System.Text;

namespace TunnelMesh.Platform.Services;

/// <summary>The arguments of sc.exe that make a Windows service of a peer. Pure; written from its documentation, and not yet run.</summary>
public static class WindowsService
{
    /// <summary>The commands that make it, in order; each is the arguments of one call of sc.exe. The first fails when a service of the name exists.</summary>
    /// <param name="service">What it runs.</param>
    public static IReadOnlyList<IReadOnlyList<string>> Create(ServiceDefinition service)
    {
        ArgumentNullException.ThrowIfNull(service);
        return
        [
            ["create", service.Name, "binPath=", CommandLine([service.Program, .. service.Arguments]), "start=", "auto", "DisplayName=", $"TunnelMesh ({service.Context})"],
            ["description", service.Name, $"TunnelMesh peer, context {service.Context}"],
            // Three tries, 5 s apart; the count begins anew after a day.
            ["failure", service.Name, "reset=", "86400", "actions=", "restart/5000/restart/5000/restart/5000"],
        ];
    }

    /// <summary>One command line of several arguments, as CommandLineToArgvW takes it apart: backslashes count only before a quotation mark.</summary>
    /// <param name="arguments">Program and arguments.</param>
    /// <exception cref="ServiceException">One holds a control character.</exception>
    public static string CommandLine(IEnumerable<string> arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        return string.Join(' ', arguments.Select(Quoted));
    }

    private static string Quoted(string text)
    {
        if (text.Any(char.IsControl))
        {
            throw new ServiceException("A path or name with a control character in it cannot stand in a command line. Rename what has it.");
        }

        if (text.Length > 0 && !text.AsSpan().ContainsAny(' ', '"'))
        {
            return text;
        }

        StringBuilder quoted = new("\"");
        int backslashes = 0;
        foreach (char c in text)
        {
            if (c == '"')
            {
                quoted.Append('\\', backslashes + 1);
            }

            backslashes = c == '\\' ? backslashes + 1 : 0;
            quoted.Append(c);
        }

        return quoted.Append('\\', backslashes).Append('"').ToString();
    }
}
