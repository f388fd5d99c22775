namespace TunnelMesh.Protocol.PortMapping;

/// <summary>The description of a UPnP gateway (UPnP Device Architecture 1.1, section 2). Pure.</summary>
public static class IgdDescription
{
    private const int MaxServices = 4;
    private const string Prefix = "urn:schemas-upnp-org:service:";

    // Best first.
    private static readonly string[] Types = [Prefix + "WANIPConnection:2", Prefix + "WANIPConnection:1", Prefix + "WANPPPConnection:1"];

    /// <summary>Longest description in bytes.</summary>
    public static int MaxBytes => GatewayXml.MaxBytes;

    /// <summary>Finds the services that make mappings.</summary>
    /// <param name="document">The description as received.</param>
    /// <param name="location">Where it was received from.</param>
    /// <param name="services">Best first, at most four; those that would be asked on another host are left out.</param>
    /// <returns>False when it is no description, or has none.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> document, Uri location, out IReadOnlyList<IgdService> services)
    {
        ArgumentNullException.ThrowIfNull(location);
        List<IgdService> found = [];
        string type = "", control = "";
        services = found;
        if (!GatewayXml.TryRead(document, (name, text) =>
            {
                switch (name)
                {
                    case "serviceType":
                        type = text ?? "";
                        break;
                    case "controlURL":
                        control = text ?? "";
                        break;
                    case "service":
                        if (found.Count < MaxServices && Types.Contains(type) && control.Length > 0 && Uri.TryCreate(location, control, out Uri? url)
                            && SsdpMessage.IsPlain(url) && url.Host == location.Host)
                        {
                            found.Add(new IgdService(type, url));
                        }

                        (type, control) = ("", "");
                        break;
                }
            }))
        {
            found.Clear();
            return false;
        }

        found.Sort((a, b) => Array.IndexOf(Types, a.Type).CompareTo(Array.IndexOf(Types, b.Type)));
        return found.Count > 0;
    }
}
