using Microsoft.Data.Sqlite;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Tests.Coordinator;

public sealed class TransportOrderStateTests : IDisposable
{
    private static readonly string[] SshFirst = ["ssh", "udp"], Relay = ["relay"];
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"tm-{Guid.NewGuid():N}");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string DatabaseFile => Path.Combine(_directory, "state.db");

    public void Dispose() => Directory.Delete(_directory, true);

    private SqliteState Open() => SqliteState.Open(new SqliteStateOptions { File = DatabaseFile });

    // IDs in rising order.
    private static async Task<string[]> DevicesAsync(SqliteState state, int count)
    {
        for (int i = 1; i <= count; i++)
        {
            byte[] key = new byte[32];
            BitConverter.TryWriteBytes(key, i);
            await state.RegisterAsync(new RegistrationRequest { DeviceKey = key, IdentityKey = key, Name = $"d{i}", Record = [1], RecordGeneration = 1 }, Cancel);
        }
        return [.. (await state.LoadDevicesAsync(Cancel)).Select(d => d.Id).Order(StringComparer.Ordinal)];
    }

    private static async Task<string[]> OrdersAsync(SqliteState state) =>
        [.. (await state.LoadTransportOrdersAsync(Cancel)).Select(o => $"{o.DeviceId}+{o.OtherId}={string.Join(',', o.Transports)}@{o.Number}")];

    [Fact]
    public async Task An_order_is_numbered_replaced_and_kept_over_a_restart_and_one_that_is_taken_away_is_gone()
    {
        string[] id;
        long number;
        await using (SqliteState state = Open())
        {
            id = await DevicesAsync(state, 2);
            number = (await state.LoadMeshAsync(Cancel)).MapNumber;
            TransportOrderResult set = await state.SetTransportOrderAsync(id[1], null, SshFirst, Cancel);
            Assert.Equal((TransportOrderOutcome.Changed, id[1], number + 1), (set.Outcome, set.DeviceId, set.MapNumber));
            Assert.Equal(SshFirst, Assert.Single(set.Orders).Transports);
            // Whichever of a pair is named first, it is one order, under the smaller ID.
            await state.SetTransportOrderAsync(id[1], id[0], SshFirst, Cancel);
            await state.SetTransportOrderAsync(id[0], id[1], Relay, Cancel);
            Assert.Equal(TransportOrderOutcome.Unchanged, (await state.SetTransportOrderAsync(id[1], id[0], Relay, Cancel)).Outcome);
        }
        await using (SqliteState state = Open())
        {
            Assert.Equal([$"{id[1]}+=ssh,udp@{number + 1}", $"{id[0]}+{id[1]}=relay@{number + 3}"], await OrdersAsync(state));
            Assert.Equal(number + 3, (await state.LoadMeshAsync(Cancel)).MapNumber);
            TransportOrderResult gone = await state.SetTransportOrderAsync(id[1], id[0], [], Cancel);
            Assert.Equal((TransportOrderOutcome.Changed, 0), (gone.Outcome, gone.Orders.Count));
            Assert.Equal(TransportOrderOutcome.Unchanged, (await state.SetTransportOrderAsync(id[1], id[0], [], Cancel)).Outcome);
            Assert.Equal([$"{id[1]}+=ssh,udp@{number + 1}"], await OrdersAsync(state));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Orders_go_with_either_device_of_a_pair(int leaves)
    {
        await using SqliteState state = Open();
        string[] id = await DevicesAsync(state, 3);
        await state.SetTransportOrderAsync(id[leaves], null, Relay, Cancel);
        await state.SetTransportOrderAsync(id[0], id[1], Relay, Cancel);
        await state.SetTransportOrderAsync(id[2], null, Relay, Cancel);
        await state.RevokeDeviceAsync(id[leaves], Cancel);
        Assert.Equal(id[2], Assert.Single(await state.LoadTransportOrdersAsync(Cancel)).DeviceId);
    }

    [Fact]
    public async Task Unknown_devices_pairs_of_one_and_more_than_a_device_may_have_are_refused_without_a_change()
    {
        await using SqliteState state = Open();
        string[] id = await DevicesAsync(state, TransportOrderTable.MaxOfDevice + 2);
        string unknown = new('f', 32);
        foreach ((string one, string? two) in new (string, string?)[] { (unknown, null), (id[0], unknown), (unknown, id[0]), (id[0], id[0]) })
        {
            Assert.Equal(TransportOrderOutcome.UnknownDevice, (await state.SetTransportOrderAsync(one, two, Relay, Cancel)).Outcome);
        }
        await Assert.ThrowsAsync<ArgumentException>(async () => await state.SetTransportOrderAsync(id[0], null, ["udp,ssh"], Cancel));
        await Assert.ThrowsAsync<ArgumentException>(async () => await state.SetTransportOrderAsync(id[0], null, [.. Enumerable.Repeat("udp", TransportPreference.MaxTransports + 1)], Cancel));
        Assert.Empty(await state.LoadTransportOrdersAsync(Cancel));
        for (int i = 1; i <= TransportOrderTable.MaxOfDevice; i++)
        {
            Assert.Equal(TransportOrderOutcome.Changed, (await state.SetTransportOrderAsync(id[^1], id[i - 1], Relay, Cancel)).Outcome);
        }
        long number = (await state.LoadMeshAsync(Cancel)).MapNumber;
        Assert.Equal(TransportOrderOutcome.TooMany, (await state.SetTransportOrderAsync(id[^1], id[^2], Relay, Cancel)).Outcome);
        Assert.Equal(TransportOrderOutcome.TooMany, (await state.SetTransportOrderAsync(id[^1], null, Relay, Cancel)).Outcome);
        Assert.Equal(number, (await state.LoadMeshAsync(Cancel)).MapNumber);
        // One that is there may still change.
        Assert.Equal(TransportOrderOutcome.Changed, (await state.SetTransportOrderAsync(id[^1], id[0], SshFirst, Cancel)).Outcome);
    }

    [Fact]
    public async Task A_state_from_before_there_were_orders_is_brought_up_to_date_with_everything_in_it()
    {
        string[] id;
        await using (SqliteState state = Open())
        {
            id = await DevicesAsync(state, 2);
        }
        await using (SqliteConnection connection = new($"Data Source={DatabaseFile};Pooling=False"))
        {
            await connection.OpenAsync(Cancel);
            await using SqliteCommand command = connection.CreateCommand();
            command.CommandText = "DROP TABLE admin_users; DROP TABLE admin_entries; DROP TABLE group_members; DROP TABLE user_groups; DROP TABLE aliases; DROP TABLE transport_orders; PRAGMA user_version=1";
            await command.ExecuteNonQueryAsync(Cancel);
        }
        await using SqliteState migrated = Open();
        Assert.Equal(id, (await migrated.LoadDevicesAsync(Cancel)).Select(d => d.Id).Order(StringComparer.Ordinal));
        Assert.Equal(TransportOrderOutcome.Changed, (await migrated.SetTransportOrderAsync(id[0], null, Relay, Cancel)).Outcome);
    }
}
