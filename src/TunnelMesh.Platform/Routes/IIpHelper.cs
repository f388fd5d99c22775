namespace TunnelMesh.Platform.Routes;

/// <summary>How Windows is told about interfaces, addresses and routes (iphlpapi.dll). Methods return 0 or the error unless they say otherwise.</summary>
internal interface IIpHelper
{
    /// <summary>True when an interface has this name.</summary>
    bool Exists(string alias);

    /// <summary>The number of an interface with this name, or null.</summary>
    ulong? LuidOf(string alias);

    /// <summary>The name of an interface, or null.</summary>
    string? AliasOf(ulong luid);

    /// <summary>Fills a row in by its family and interface.</summary>
    int GetInterface(ref InterfaceRow row);

    /// <summary>Sets an interface as a row says.</summary>
    int SetInterface(ref InterfaceRow row);

    /// <summary>A row with the system's defaults.</summary>
    UnicastRow NewAddress();

    /// <summary>Gives an interface an address.</summary>
    int AddAddress(ref UnicastRow row);

    /// <summary>A row with the system's defaults.</summary>
    ForwardRow NewRoute();

    /// <summary>Adds a route.</summary>
    int AddRoute(ref ForwardRow row);

    /// <summary>Takes a route away: of this prefix, interface and next hop.</summary>
    int DeleteRoute(ref ForwardRow row);
}
