using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Interop;

/// <summary>What Linux says of a file (statx(2)).</summary>
/// <param name="Owner">Number of its user.</param>
/// <param name="Mode">Its kind and permissions (inode(7)).</param>
/// <param name="Inode">Its number, which no other file of the device has.</param>
/// <param name="Device">The device it lies on.</param>
internal readonly record struct LinuxFileStatus(uint Owner, int Mode, ulong Inode, ulong Device)
{
    // struct statx, the same on every architecture.
    private const int Bytes = 256, OwnerOffset = 20, ModeOffset = 28, InodeOffset = 32, DeviceOffset = 136;
    private const uint Wanted = 1 | 2 | 8 | 0x100;

    /// <summary>True for a file that is no directory, link, pipe, socket or device.</summary>
    public bool IsRegular => (Mode & 0xF000) == 0x8000;

    /// <summary>Whether both are one file, whatever its names.</summary>
    public bool IsSameFile(LinuxFileStatus other) => (Inode, Device) == (other.Inode, other.Device);

    /// <summary>A file by its name; null when there is none or the system does not say (Linux only).</summary>
    /// <param name="path">Which.</param>
    /// <param name="follow">Whether of a symbolic link it is what the link leads to.</param>
    public static unsafe LinuxFileStatus? Of(string path, bool follow)
    {
        const int currentDirectory = -100, notFollowed = 0x100;
        byte* answer = stackalloc byte[Bytes];
        return OperatingSystem.IsLinux() && LinuxNative.ExtendedStatus(currentDirectory, path, follow ? 0 : notFollowed, Wanted, answer) == 0 ? Read(answer) : null;
    }

    /// <summary>A file that is open, also when it has no name any more; null when the system does not say (Linux only).</summary>
    /// <param name="file">Which.</param>
    public static unsafe LinuxFileStatus? Of(SafeHandle file)
    {
        const int noPath = 0x1000;
        byte* answer = stackalloc byte[Bytes];
        return OperatingSystem.IsLinux() && LinuxNative.ExtendedStatus(file, "", noPath, Wanted, answer) == 0 ? Read(answer) : null;
    }

    private static unsafe LinuxFileStatus Read(byte* answer)
    {
        ReadOnlySpan<byte> status = new(answer, Bytes);
        return new(BitConverter.ToUInt32(status[OwnerOffset..]), BitConverter.ToUInt16(status[ModeOffset..]), BitConverter.ToUInt64(status[InodeOffset..]), BitConverter.ToUInt64(status[DeviceOffset..]));
    }
}
