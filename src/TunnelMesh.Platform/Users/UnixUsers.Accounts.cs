using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Users;

public static partial class UnixUsers
{
    // A directory service may have entries larger than any file's; beyond this nobody is found.
    private const int FirstBuffer = 1 << 10, MaxBuffer = 1 << 20;
    private const int ErrorRange = 34;

    private delegate int Lookup(Span<byte> entry, Span<byte> text, out nint found);

    // struct passwd, which glibc and musl have alike on Linux.
    [StructLayout(LayoutKind.Sequential)]
    private struct PasswordEntry
    {
        public nint Name, Password;
        public uint Id, Group;
        public nint Comment, Home, Shell;
    }

    /// <summary>Finds a user by name, wherever the system keeps users (nsswitch.conf(5)). Linux only.</summary>
    /// <param name="name">Login name.</param>
    /// <returns>Null when there is none.</returns>
    public static UnixUser? FindUser(string name) => Find((Span<byte> entry, Span<byte> text, out nint found) => ByName(name, entry, text, out found));

    /// <summary>Finds a user by number. Linux only.</summary>
    /// <param name="id">User id.</param>
    /// <returns>Null when there is none.</returns>
    public static UnixUser? FindUser(uint id) => Find((Span<byte> entry, Span<byte> text, out nint found) => ByNumber(id, entry, text, out found));

    private static unsafe UnixUser? Find(Lookup lookup)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }
        Span<byte> entry = stackalloc byte[sizeof(PasswordEntry)];
        for (int size = FirstBuffer; size <= MaxBuffer; size *= 2)
        {
            // The entry points into it.
            byte[] text = GC.AllocateUninitializedArray<byte>(size, pinned: true);
            int error = lookup(entry, text, out nint found);
            if (error == ErrorRange)
            {
                continue;
            }
            if (error != 0 || found == 0)
            {
                return null;
            }
            PasswordEntry user = MemoryMarshal.Read<PasswordEntry>(entry);
            UnixUser answer = new(Marshal.PtrToStringUTF8(user.Name) ?? "", user.Id, user.Group, Marshal.PtrToStringUTF8(user.Home) ?? "");
            GC.KeepAlive(text);
            return answer;
        }
        return null;
    }

    private static unsafe int ByName(string name, Span<byte> entry, Span<byte> text, out nint found)
    {
        fixed (byte* place = entry, buffer = text)
        {
            return GetByName(name, place, buffer, (nuint)text.Length, out found);
        }
    }

    private static unsafe int ByNumber(uint id, Span<byte> entry, Span<byte> text, out nint found)
    {
        fixed (byte* place = entry, buffer = text)
        {
            return GetByNumber(id, place, buffer, (nuint)text.Length, out found);
        }
    }

    [LibraryImport("libc", EntryPoint = "getpwnam_r", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int GetByName(string name, byte* entry, byte* text, nuint size, out nint found);

    [LibraryImport("libc", EntryPoint = "getpwuid_r")]
    private static unsafe partial int GetByNumber(uint id, byte* entry, byte* text, nuint size, out nint found);
}
