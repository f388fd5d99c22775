using System.Reflection;
using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Tun;

/// <summary>
/// wintun.dll, which is not part of Windows and lies beside the program. It is loaded by its full path and from nowhere else: the
/// program runs as an administrator, and the loader's search path may contain directories that others write to.
/// </summary>
internal sealed unsafe partial class Wintun : IWintun
{
    private const string Library = "wintun.dll";

    // Versions before 0.14 have functions of the same names that take other arguments, but not this one.
    private const string SinceVersion014 = "WintunCloseAdapter";

    private static readonly Lock Gate = new();
    private static nint s_library;
    private static bool s_resolving;

    private Wintun()
    {
    }

    /// <summary>Loads the library.</summary>
    /// <param name="directory">Where the program lies.</param>
    /// <exception cref="TunException">It is not there or cannot be used (<see cref="TunError.NoDriver"/>); the message says where to get it.</exception>
    public static Wintun Load(string directory)
    {
        string path = Path.Combine(Path.GetFullPath(directory), Library);
        lock (Gate)
        {
            if (s_library == 0)
            {
                s_library = Find(path);
            }

            if (!s_resolving)
            {
                NativeLibrary.SetDllImportResolver(typeof(Wintun).Assembly, Resolve);
                s_resolving = true;
            }
        }

        return new Wintun();
    }

    public nint CreateAdapter(string name, string tunnelType, Guid id, out int error)
    {
        nint adapter = Calls.CreateAdapter(name, tunnelType, &id);
        error = adapter == 0 ? Marshal.GetLastPInvokeError() : 0;
        return adapter;
    }

    public ulong LuidOf(nint adapter)
    {
        ulong luid;
        Calls.GetAdapterLuid(adapter, &luid);
        return luid;
    }

    public nint StartSession(nint adapter, uint ringBytes, out int error)
    {
        nint session = Calls.StartSession(adapter, ringBytes);
        error = session == 0 ? Marshal.GetLastPInvokeError() : 0;
        return session;
    }

    public nint ReadEventOf(nint session) => Calls.GetReadWaitEvent(session);

    public byte* Receive(nint session, out uint length, out int error)
    {
        uint bytes;
        byte* packet = Calls.ReceivePacket(session, &bytes);
        (length, error) = packet is null ? (0, Marshal.GetLastPInvokeError()) : (bytes, 0);
        return packet;
    }

    public void Release(nint session, byte* packet) => Calls.ReleaseReceivePacket(session, packet);

    public byte* Allocate(nint session, uint length, out int error)
    {
        byte* packet = Calls.AllocateSendPacket(session, length);
        error = packet is null ? Marshal.GetLastPInvokeError() : 0;
        return packet;
    }

    public void Send(nint session, byte* packet) => Calls.SendPacket(session, packet);

    public void EndSession(nint session) => Calls.EndSession(session);

    public void CloseAdapter(nint adapter) => Calls.CloseAdapter(adapter);

    private static nint Find(string path)
    {
        string source = $"Get the zip file from https://www.wintun.net and put its bin\\{(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "amd64")}\\wintun.dll beside the program, as {path}.";
        if (!File.Exists(path))
        {
            throw new TunException(TunError.NoDriver, $"The Wintun driver is missing: there is no {path}. {source}");
        }

        if (!NativeLibrary.TryLoad(path, out nint library))
        {
            throw new TunException(TunError.NoDriver, $"The Wintun driver {path} cannot be loaded: it is damaged, or made for another processor. {source}");
        }

        if (!NativeLibrary.TryGetExport(library, SinceVersion014, out _))
        {
            NativeLibrary.Free(library);
            throw new TunException(TunError.NoDriver, $"The Wintun driver {path} is older than version 0.14, which is needed. {source}");
        }

        return library;
    }

    // A null pointer means: go on with the usual search. For this library there is none, since nobody calls it before it is loaded.
    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? search) => name == Library ? s_library : 0;

    private static partial class Calls
    {
        [LibraryImport(Library, EntryPoint = "WintunCreateAdapter", SetLastError = true, StringMarshalling = StringMarshalling.Utf16)]
        public static partial nint CreateAdapter(string name, string tunnelType, Guid* id);

        [LibraryImport(Library, EntryPoint = "WintunGetAdapterLUID")]
        public static partial void GetAdapterLuid(nint adapter, ulong* luid);

        [LibraryImport(Library, EntryPoint = "WintunStartSession", SetLastError = true)]
        public static partial nint StartSession(nint adapter, uint capacity);

        [LibraryImport(Library, EntryPoint = "WintunGetReadWaitEvent")]
        public static partial nint GetReadWaitEvent(nint session);

        [LibraryImport(Library, EntryPoint = "WintunReceivePacket", SetLastError = true)]
        public static partial byte* ReceivePacket(nint session, uint* length);

        [LibraryImport(Library, EntryPoint = "WintunReleaseReceivePacket")]
        public static partial void ReleaseReceivePacket(nint session, byte* packet);

        [LibraryImport(Library, EntryPoint = "WintunAllocateSendPacket", SetLastError = true)]
        public static partial byte* AllocateSendPacket(nint session, uint length);

        [LibraryImport(Library, EntryPoint = "WintunSendPacket")]
        public static partial void SendPacket(nint session, byte* packet);

        [LibraryImport(Library, EntryPoint = "WintunEndSession")]
        public static partial void EndSession(nint session);

        [LibraryImport(Library, EntryPoint = "WintunCloseAdapter")]
        public static partial void CloseAdapter(nint adapter);
    }
}
