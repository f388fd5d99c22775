using Microsoft.Data.Sqlite;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Coordinator.State;

/// <summary>Statements on orders of transports. They go with their devices by the schema.</summary>
internal static class TransportOrderTable
{
    /// <summary>Orders in one mesh, and of one device with others: each viewer holds all of them.</summary>
    internal const int MaxOrders = 8192, MaxOfDevice = 256;

    private const string Columns = "SELECT device_id, other_id, transports, number FROM transport_orders";

    internal static List<TransportOrderRow> All(SqliteSession session) => session.Query(Columns + " ORDER BY number", Read);

    internal static TransportOrderResult Set(SqliteSession session, string deviceId, string? otherId, IReadOnlyList<string> transports)
    {
        if (transports.Count > TransportPreference.MaxTransports || transports.Any(t => t.Length == 0 || t.Contains(',', StringComparison.Ordinal)))
        {
            throw new ArgumentException("an order names at most as many transports as the protocol allows", nameof(transports));
        }
        (string one, string? two) = otherId is not null && string.CompareOrdinal(otherId, deviceId) < 0 ? (otherId, deviceId) : (deviceId, otherId);
        string order = string.Join(',', transports), before = session.Scalar("SELECT transports FROM transport_orders WHERE device_id=$1 AND coalesce(other_id,'')=$2", one, two ?? "") as string ?? "";
        TransportOrderOutcome outcome =
            one == two || !IsMember(session, one) || (two is not null && !IsMember(session, two)) ? TransportOrderOutcome.UnknownDevice
            : order == before ? TransportOrderOutcome.Unchanged
            : before.Length == 0 && IsFull(session, one, two) ? TransportOrderOutcome.TooMany
            : TransportOrderOutcome.Changed;
        if (outcome != TransportOrderOutcome.Changed)
        {
            return new TransportOrderResult(outcome, one, [], DeviceTable.MapNumber(session));
        }
        long number = DeviceTable.NextMapNumber(session);
        session.Execute("DELETE FROM transport_orders WHERE device_id=$1 AND coalesce(other_id,'')=$2", one, two ?? "");
        if (transports.Count > 0)
        {
            session.Execute("INSERT INTO transport_orders VALUES($1,$2,$3,$4)", one, two, order, number);
        }
        return new TransportOrderResult(outcome, one, session.Query(Columns + " WHERE device_id=$1 ORDER BY number", Read, one), number);
    }

    private static bool IsMember(SqliteSession session, string id) => session.Scalar("SELECT 1 FROM devices WHERE id=$1", id) is not null;

    private static bool IsFull(SqliteSession session, string one, string? two) =>
        session.Number("SELECT count(*) FROM transport_orders") >= MaxOrders ||
        new[] { one, two }.OfType<string>().Any(id => session.Number("SELECT count(*) FROM transport_orders WHERE device_id=$1 OR other_id=$1", id) >= MaxOfDevice);

    private static TransportOrderRow Read(SqliteDataReader r) => new(r.GetString(0), r.IsDBNull(1) ? null : r.GetString(1), r.GetString(2).Split(','), r.GetInt64(3));
}
