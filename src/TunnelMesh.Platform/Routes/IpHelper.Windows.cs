using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Routes;

/// <summary>iphlpapi.dll.</summary>
internal sealed unsafe partial class IpHelper : IIpHelper
{
    // NDIS_IF_MAX_STRING_SIZE and its terminating zero.
    private const int MaxAlias = 257;

    public bool Exists(string alias) => LuidOf(alias) is not null;

    public ulong? LuidOf(string alias)
    {
        ulong luid;
        return Calls.ConvertAliasToLuid(alias, &luid) == 0 ? luid : null;
    }

    public string? AliasOf(ulong luid)
    {
        char* alias = stackalloc char[MaxAlias];
        return Calls.ConvertLuidToAlias(&luid, alias, MaxAlias) == 0 ? new string(alias) : null;
    }

    public int GetInterface(ref InterfaceRow row)
    {
        fixed (InterfaceRow* p = &row)
        {
            return Calls.GetInterface(p);
        }
    }

    public int SetInterface(ref InterfaceRow row)
    {
        fixed (InterfaceRow* p = &row)
        {
            return Calls.SetInterface(p);
        }
    }

    public UnicastRow NewAddress()
    {
        UnicastRow row;
        Calls.InitializeAddress(&row);
        return row;
    }

    public int AddAddress(ref UnicastRow row)
    {
        fixed (UnicastRow* p = &row)
        {
            return Calls.AddAddress(p);
        }
    }

    public ForwardRow NewRoute()
    {
        ForwardRow row;
        Calls.InitializeRoute(&row);
        return row;
    }

    public int AddRoute(ref ForwardRow row)
    {
        fixed (ForwardRow* p = &row)
        {
            return Calls.AddRoute(p);
        }
    }

    public int DeleteRoute(ref ForwardRow row)
    {
        fixed (ForwardRow* p = &row)
        {
            return Calls.DeleteRoute(p);
        }
    }

    /// <summary>The routing table of both families.</summary>
    /// <exception cref="IOException">The system refused.</exception>
    public static ForwardRow[] GetRoutes()
    {
        // MIB_IPFORWARD_TABLE2: a count, padded to eight bytes, and the rows.
        byte* table;
        int error = Calls.GetRoutes(0, &table);
        if (error != 0)
        {
            throw new IOException($"The routes of this machine could not be listed: {Interop.WindowsNative.Describe(error)}.");
        }

        try
        {
            return new ReadOnlySpan<ForwardRow>(table + 8, *(int*)table).ToArray();
        }
        finally
        {
            Calls.FreeTable(table);
        }
    }

    private static partial class Calls
    {
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("iphlpapi.dll", EntryPoint = "ConvertInterfaceAliasToLuid", StringMarshalling = StringMarshalling.Utf16)]
        public static partial int ConvertAliasToLuid(string alias, ulong* luid);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("iphlpapi.dll", EntryPoint = "ConvertInterfaceLuidToAlias")]
        public static partial int ConvertLuidToAlias(ulong* luid, char* alias, nuint length);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("iphlpapi.dll", EntryPoint = "GetIpInterfaceEntry")]
        public static partial int GetInterface(InterfaceRow* row);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("iphlpapi.dll", EntryPoint = "SetIpInterfaceEntry")]
        public static partial int SetInterface(InterfaceRow* row);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("iphlpapi.dll", EntryPoint = "InitializeUnicastIpAddressEntry")]
        public static partial void InitializeAddress(UnicastRow* row);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("iphlpapi.dll", EntryPoint = "CreateUnicastIpAddressEntry")]
        public static partial int AddAddress(UnicastRow* row);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("iphlpapi.dll", EntryPoint = "InitializeIpForwardEntry")]
        public static partial void InitializeRoute(ForwardRow* row);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("iphlpapi.dll", EntryPoint = "CreateIpForwardEntry2")]
        public static partial int AddRoute(ForwardRow* row);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("iphlpapi.dll", EntryPoint = "DeleteIpForwardEntry2")]
        public static partial int DeleteRoute(ForwardRow* row);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("iphlpapi.dll", EntryPoint = "GetIpForwardTable2")]
        public static partial int GetRoutes(ushort family, byte** table);

        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        [LibraryImport("iphlpapi.dll", EntryPoint = "FreeMibTable")]
        public static partial void FreeTable(byte* table);
    }
}
