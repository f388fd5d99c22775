using TunnelMesh.Protocol.Filter;

namespace TunnelMesh.Coordinator.State;

/// <summary>Statements on groups. Members are users by their keys; a group takes its members with it by the schema.</summary>
internal static class GroupTable
{
    internal static List<GroupRow> All(SqliteSession session)
    {
        ILookup<string, GroupMember> members = session.Query(
            "SELECT m.group_name, m.identity_key, u.id FROM group_members m JOIN users u ON u.identity_key=m.identity_key ORDER BY u.id",
            r => (Group: r.GetString(0), Member: new GroupMember((byte[])r.GetValue(1), r.GetString(2)))).ToLookup(m => m.Group, m => m.Member);
        return session.Query("SELECT name, created FROM user_groups ORDER BY name", r => new GroupRow(r.GetString(0), r.GetInt64(1), [.. members[r.GetString(0)]]));
    }

    internal static GroupResult Create(SqliteSession session, string name, DateTimeOffset now)
    {
        if (!GroupName.MayBeMade(name))
        {
            throw new ArgumentException("a group is called by a DNS label that is not built in", nameof(name));
        }
        GroupOutcome outcome = Exists(session, name) ? GroupOutcome.Unchanged
            : session.Number("SELECT count(*) FROM user_groups") >= GroupLimits.Groups ? GroupOutcome.TooManyGroups
            : GroupOutcome.Changed;
        if (outcome == GroupOutcome.Changed)
        {
            session.Execute("INSERT INTO user_groups VALUES($1,$2)", name, now.ToUnixTimeSeconds());
        }
        return Result(session, outcome);
    }

    internal static GroupResult Delete(SqliteSession session, string name)
    {
        if (session.Execute("DELETE FROM user_groups WHERE name=$1", name) == 0)
        {
            return Result(session, GroupOutcome.UnknownGroup);
        }
        UserTable.TidyAll(session);
        return Result(session, GroupOutcome.Changed);
    }

    internal static GroupResult SetMember(SqliteSession session, string name, byte[] identityKey, bool member, DateTimeOffset now)
    {
        bool before = session.Scalar("SELECT 1 FROM group_members WHERE group_name=$1 AND identity_key=$2", name, identityKey) is not null;
        GroupOutcome outcome = !Exists(session, name) ? GroupOutcome.UnknownGroup
            : before == member ? GroupOutcome.Unchanged
            : member ? MayAdd(session, name, identityKey)
            : GroupOutcome.Changed;
        if (outcome == GroupOutcome.Changed)
        {
            _ = member
                ? session.Execute("INSERT INTO group_members VALUES($1,$2,$3)", name, identityKey, now.ToUnixTimeSeconds())
                : session.Execute("DELETE FROM group_members WHERE group_name=$1 AND identity_key=$2", name, identityKey);
            UserTable.Tidy(session, identityKey);
        }
        return Result(session, outcome);
    }

    /// <summary>Takes a user out of every group.</summary>
    internal static void Forget(SqliteSession session, byte[] identityKey) => session.Execute("DELETE FROM group_members WHERE identity_key=$1", identityKey);

    private static bool Exists(SqliteSession session, string name) => session.Scalar("SELECT 1 FROM user_groups WHERE name=$1", name) is not null;

    private static GroupOutcome MayAdd(SqliteSession session, string name, byte[] identityKey) =>
        session.Scalar("SELECT 1 FROM users WHERE identity_key=$1 AND revoked IS NULL", identityKey) is null ? GroupOutcome.UnknownUser
        : session.Number("SELECT count(*) FROM group_members WHERE group_name=$1", name) >= GroupLimits.Members ? GroupOutcome.TooManyMembers
        : session.Number("SELECT count(*) FROM group_members WHERE identity_key=$1", identityKey) >= GroupLimits.OfUser ? GroupOutcome.TooManyOfUser
        : GroupOutcome.Changed;

    private static GroupResult Result(SqliteSession session, GroupOutcome outcome) => outcome == GroupOutcome.Changed
        ? new GroupResult(outcome, All(session), DeviceTable.NextMapNumber(session))
        : new GroupResult(outcome, [], DeviceTable.MapNumber(session));
}
