using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>iphlpapi.dll.</summary>
internal sealed unsafe partial class IpNotifications : IIpNotifications
{
    public int OnInterfaces(delegate* unmanaged<void*, void*, int, void> callback, void* context, out nint handle) =>
        Calls.NotifyInterface(0, callback, context, 0, out handle);

    public int OnAddresses(delegate* unmanaged<void*, void*, int, void> callback, void* context, out nint handle) =>
        Calls.NotifyAddress(0, callback, context, 0, out handle);

    public int OnRoutes(delegate* unmanaged<void*, void*, int, void> callback, void* context, out nint handle) =>
        Calls.NotifyRoute(0, callback, context, 0, out handle);

    public int Cancel(nint handle) => Calls.Cancel(handle);

    // The family 0 is both; no initial call.
    private static partial class Calls
    {
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("iphlpapi.dll", EntryPoint = "NotifyIpInterfaceChange")]
        public static partial int NotifyInterface(ushort family, delegate* unmanaged<void*, void*, int, void> callback, void* context, byte initial, out nint handle);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("iphlpapi.dll", EntryPoint = "NotifyUnicastIpAddressChange")]
        public static partial int NotifyAddress(ushort family, delegate* unmanaged<void*, void*, int, void> callback, void* context, byte initial, out nint handle);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("iphlpapi.dll", EntryPoint = "NotifyRouteChange2")]
        public static partial int NotifyRoute(ushort family, delegate* unmanaged<void*, void*, int, void> callback, void* context, byte initial, out nint handle);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("iphlpapi.dll", EntryPoint = "CancelMibChangeNotify2")]
        public static partial int Cancel(nint handle);
    }
}
