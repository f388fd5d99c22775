using System.Runtime.Versioning;
using System.Security.AccessControl;
using System.Security.Principal;

namespace TunnelMesh.Platform.Users;

/// <summary>Directories of Windows that only administrators and the system may enter; so may only they use what lies in them.</summary>
[SupportedOSPlatform("windows")]
public static class AdministratorsDirectory
{
    /// <summary>Makes a directory, or takes an existing one from everyone else. Only an administrator may call this.</summary>
    /// <param name="path">The directory.</param>
    /// <exception cref="UnauthorizedAccessException">It belongs to another user, who could put something of his own in our place.</exception>
    /// <exception cref="IOException">It cannot be made.</exception>
    public static void Make(string path)
    {
        SecurityIdentifier administrators = new(WellKnownSidType.BuiltinAdministratorsSid, null), system = new(WellKnownSidType.LocalSystemSid, null);
        DirectorySecurity security = new();
        security.SetAccessRuleProtection(isProtected: true, preserveInheritance: false);
        security.SetOwner(administrators);
        foreach (SecurityIdentifier who in (SecurityIdentifier[])[administrators, system])
        {
            security.AddAccessRule(new FileSystemAccessRule(
                who, FileSystemRights.FullControl, InheritanceFlags.ContainerInherit | InheritanceFlags.ObjectInherit, PropagationFlags.None, AccessControlType.Allow));
        }

        DirectoryInfo directory = new(path);
        if (!directory.Exists)
        {
            directory.Create(security);
            return;
        }

        IdentityReference? owner = directory.GetAccessControl(AccessControlSections.Owner).GetOwner(typeof(SecurityIdentifier));
        using WindowsIdentity self = WindowsIdentity.GetCurrent();
        if (owner is null || !(owner.Equals(administrators) || owner.Equals(system) || owner.Equals(self.User)))
        {
            throw new UnauthorizedAccessException($"The directory {path} belongs to another user, who could answer there in the peer's place. Remove it, then start again.");
        }

        directory.SetAccessControl(security);
    }
}
