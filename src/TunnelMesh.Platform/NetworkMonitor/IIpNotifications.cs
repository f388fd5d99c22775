namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>Where Windows takes who wants to hear of changes (iphlpapi.dll). Methods return 0 or the error.</summary>
internal unsafe interface IIpNotifications
{
    /// <summary>NotifyIpInterfaceChange of both families.</summary>
    int OnInterfaces(delegate* unmanaged<void*, void*, int, void> callback, void* context, out nint handle);

    /// <summary>NotifyUnicastIpAddressChange of both families.</summary>
    int OnAddresses(delegate* unmanaged<void*, void*, int, void> callback, void* context, out nint handle);

    /// <summary>NotifyRouteChange2 of both families.</summary>
    int OnRoutes(delegate* unmanaged<void*, void*, int, void> callback, void* context, out nint handle);

    /// <summary>CancelMibChangeNotify2: waits until no callback runs.</summary>
    int Cancel(nint handle);
}
