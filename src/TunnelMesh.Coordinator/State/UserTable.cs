namespace TunnelMesh.Coordinator.State;

/// <summary>
/// Statements on users. A row is there as long as something needs it: a device, a group, the list of admins, or that the user is revoked, which is for good.
/// Whoever may take one of these away has it tidied in the same transaction, so that users who came and went do not stay for ever.
/// </summary>
internal static class UserTable
{
    private const string Unneeded = """
        revoked IS NULL
        AND NOT EXISTS(SELECT 1 FROM devices WHERE devices.identity_key=users.identity_key)
        AND NOT EXISTS(SELECT 1 FROM group_members WHERE group_members.identity_key=users.identity_key)
        AND NOT EXISTS(SELECT 1 FROM admin_users WHERE admin_users.identity_key=users.identity_key)
        """;

    /// <summary>Deletes the row of a user if nothing needs it.</summary>
    internal static void Tidy(SqliteSession session, byte[] identityKey) => session.Execute("DELETE FROM users WHERE identity_key=$1 AND " + Unneeded, identityKey);

    /// <summary>The same for every user; looks at all of them.</summary>
    internal static void TidyAll(SqliteSession session) => session.Execute("DELETE FROM users WHERE " + Unneeded);
}
