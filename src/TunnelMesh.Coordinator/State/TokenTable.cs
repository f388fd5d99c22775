using Microsoft.Data.Sqlite;

namespace TunnelMesh.Coordinator.State;

/// <summary>Statements on tokens.</summary>
internal static class TokenTable
{
    private const string Columns = "SELECT id, secret, created, expires, uses, max_uses, withdrawn FROM tokens";

    internal static List<TokenRow> All(SqliteSession session) => session.Query(Columns + " ORDER BY id", Read);

    internal static TokenRow? Find(SqliteSession session, long id) => session.Query(Columns + " WHERE id=$1", Read, id).FirstOrDefault();

    internal static TokenRow Add(SqliteSession session, string secret, DateTimeOffset now, DateTimeOffset? expires, long? maxUses)
    {
        session.Execute("INSERT INTO tokens(secret, created, expires, max_uses) VALUES($1,$2,$3,$4) ON CONFLICT(secret) DO NOTHING",
            secret, now.ToUnixTimeSeconds(), expires?.ToUnixTimeSeconds(), maxUses);
        return session.Query(Columns + " WHERE secret=$1", Read, secret)[0];
    }

    /// <summary>False when there is none with this ID.</summary>
    internal static bool Revoke(SqliteSession session, long id) => session.Execute("UPDATE tokens SET withdrawn=1 WHERE id=$1", id) == 1;

    private static TokenRow Read(SqliteDataReader r) => new(r.GetInt64(0), r.GetString(1), r.GetInt64(2), r.IsDBNull(3) ? null : r.GetInt64(3),
        r.GetInt64(4), r.IsDBNull(5) ? null : r.GetInt64(5), r.GetInt64(6) != 0);
}
