using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Users;

/// <summary>
/// While it lives, this process, which is root, has the rights of a user and no more: what it opens, follows and makes in his directories it does as he does. All threads of the process are
/// under it, so it must not be kept across an await, and nothing else may go on beside it.
/// </summary>
public sealed unsafe partial class ActingUser : IDisposable
{
    private readonly uint[] _groups;
    private readonly uint _group;

    private ActingUser(uint[] groups, uint group) => (_groups, _group) = (groups, group);

    /// <summary>Becomes a user.</summary>
    /// <param name="user">Whom.</param>
    /// <returns>To be disposed of on the way back; null where this process is not root, or not on Linux, and nothing is changed.</returns>
    /// <exception cref="IOException">The system refused.</exception>
    public static ActingUser? Begin(UnixUser user)
    {
        ArgumentNullException.ThrowIfNull(user);
        if (!OperatingSystem.IsLinux() || UnixUsers.EffectiveUserId != 0)
        {
            return null;
        }
        ActingUser before = new(Groups(), GetEffectiveGroup());
        try
        {
            // The user last: without being root the groups could not be changed any more.
            Check(InitializeGroups(user.Name, user.Group));
            Check(SetEffectiveGroup(user.Group));
            Check(SetEffectiveUser(user.Id));
            return before;
        }
        catch
        {
            before.Dispose();
            throw;
        }
    }

    /// <summary>Is root again.</summary>
    /// <exception cref="IOException">The system refused; the process goes on with fewer rights.</exception>
    public void Dispose()
    {
        Check(SetEffectiveUser(0));
        Check(SetEffectiveGroup(_group));
        fixed (uint* list = _groups)
        {
            Check(SetGroups((nuint)_groups.Length, list));
        }
    }

    private static uint[] Groups()
    {
        int count = Check(GetGroups(0, null));
        uint[] groups = new uint[count];
        fixed (uint* list = groups)
        {
            Check(GetGroups(count, list));
        }
        return groups;
    }

    private static int Check(int answer) => answer >= 0 ? answer : throw new IOException($"This process cannot act as another user: {UnixNative.Describe(Marshal.GetLastPInvokeError())}.");

    [LibraryImport("libc", EntryPoint = "seteuid", SetLastError = true)]
    private static partial int SetEffectiveUser(uint user);

    [LibraryImport("libc", EntryPoint = "setegid", SetLastError = true)]
    private static partial int SetEffectiveGroup(uint group);

    [LibraryImport("libc", EntryPoint = "getegid")]
    private static partial uint GetEffectiveGroup();

    [LibraryImport("libc", EntryPoint = "getgroups", SetLastError = true)]
    private static partial int GetGroups(int size, uint* list);

    [LibraryImport("libc", EntryPoint = "setgroups", SetLastError = true)]
    private static partial int SetGroups(nuint size, uint* list);

    [LibraryImport("libc", EntryPoint = "initgroups", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int InitializeGroups(string user, uint group);
}
