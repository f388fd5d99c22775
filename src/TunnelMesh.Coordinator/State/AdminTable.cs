using TunnelMesh.Coordinator.Access;

namespace TunnelMesh.Coordinator.State;

/// <summary>
/// Statements on who administers the mesh. An entry of the configuration is looked up once, when it is new, and stands for the keys that were found then until it is taken
/// out: a name that a device gives up, or that nobody had yet, makes no admin of whoever takes it. A peer ID cannot be taken, so it also finds a user who comes later, the first.
/// </summary>
internal static class AdminTable
{
    internal static List<AdminRow> All(SqliteSession session)
    {
        ILookup<string, GroupMember> users = session.Query(
            "SELECT a.entry, a.identity_key, u.id FROM admin_users a JOIN users u ON u.identity_key=a.identity_key WHERE u.revoked IS NULL ORDER BY u.id",
            r => (Entry: r.GetString(0), User: new GroupMember((byte[])r.GetValue(1), r.GetString(2)))).ToLookup(u => u.Entry, u => u.User);
        return session.Query("SELECT entry FROM admin_entries ORDER BY entry", r => new AdminRow(r.GetString(0), [.. users[r.GetString(0)]]));
    }

    internal static AdminResult Set(SqliteSession session, IReadOnlyList<string> entries, DateTimeOffset now)
    {
        if (!entries.All(AdminEntry.IsValid) || entries.Count > AdminEntry.Most)
        {
            throw new ArgumentException("an admin is named by a peer ID, a name or a pattern of names", nameof(entries));
        }
        HashSet<string> before = Keys(session);
        string[] stored = [.. session.Query("SELECT entry FROM admin_entries", r => r.GetString(0))];
        foreach (string gone in stored.Except(entries))
        {
            session.Execute("DELETE FROM admin_entries WHERE entry=$1", gone);
        }
        foreach (string entry in entries.Except(stored))
        {
            session.Execute("INSERT INTO admin_entries VALUES($1,$2)", entry, now.ToUnixTimeSeconds());
            _ = AdminEntry.IsPeerId(entry)
                ? session.Execute("INSERT INTO admin_users SELECT $1, identity_key FROM users WHERE id=$1 AND revoked IS NULL ORDER BY created LIMIT 1", entry)
                : session.Execute("INSERT INTO admin_users SELECT DISTINCT $1, identity_key FROM devices WHERE name GLOB $1", entry);
        }
        UserTable.TidyAll(session);
        bool changed = !before.SetEquals(Keys(session));
        return new AdminResult(All(session), changed, changed ? DeviceTable.NextMapNumber(session) : DeviceTable.MapNumber(session));
    }

    /// <summary>A user has come who may be meant by a peer ID for which nobody stands yet.</summary>
    /// <returns>True when the user is an admin by it from now on.</returns>
    internal static bool Welcome(SqliteSession session, string userId, byte[] identityKey) => session.Execute(
        "INSERT INTO admin_users SELECT entry, $2 FROM admin_entries WHERE entry=$1 AND NOT EXISTS(SELECT 1 FROM admin_users WHERE entry=$1)", userId, identityKey) > 0;

    private static HashSet<string> Keys(SqliteSession session) => [.. All(session).SelectMany(a => a.Users).Select(u => Convert.ToHexString(u.IdentityKey))];
}
