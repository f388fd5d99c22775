using System.Net;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Cli.Hosting;

/// <summary>What is said of a name that no device has. Pure.</summary>
internal static class UnknownDevice
{
    private const int MaxShown = 80;

    /// <summary>The refusal, with the name that was meant where one is near.</summary>
    /// <param name="map">The map.</param>
    /// <param name="text">Name, address or ID, as somebody wrote it.</param>
    public static LocalApiException Error(NetworkMap map, string text) =>
        new(LocalErrorCodes.NotFound, $"No device of the mesh is called `{PlainText.Line(text, MaxShown)}`.{Hint(map, text, "this")} `tunnelmesh peers` lists them.");

    /// <summary>A question whether a name or an alias was meant, as <see cref="EditDistance.Hint"/> asks it.</summary>
    /// <param name="map">The map.</param>
    /// <param name="text">Name, address or ID, as somebody wrote it.</param>
    /// <param name="others">What else may stand there.</param>
    public static string Hint(NetworkMap map, string text, params IEnumerable<string> others)
    {
        if (IPAddress.TryParse(text, out _))
        {
            return "";
        }
        _ = MapNames.Find(map, text, out string label);
        return EditDistance.Hint(label, map.Devices.Values.SelectMany(d => d.Wire.Aliases.Prepend(d.Name)).Concat(others));
    }
}
