using Microsoft.Data.Sqlite;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>Rows of users: gone with the last thing that needs them, and there for good when revoked.</summary>
public sealed class UserRowTests : IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"tm-{Guid.NewGuid():N}");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string DatabaseFile => Path.Combine(_directory, "state.db");

    public void Dispose() => Directory.Delete(_directory, true);

    private SqliteState Open() => SqliteState.Open(new SqliteStateOptions { File = DatabaseFile });

    private static byte[] Key(int number)
    {
        byte[] key = new byte[32];
        BitConverter.TryWriteBytes(key, number);
        return key;
    }

    private static async Task<string> JoinAsync(SqliteState state, int device, int user, long? token = null) =>
        (await state.RegisterAsync(new RegistrationRequest { DeviceKey = Key(device), IdentityKey = Key(user), Name = $"d{device}", Record = [1], RecordGeneration = 1, TokenId = token }, Cancel)).Device.Id;

    private static async Task<bool> IsRefusedAsync(SqliteState state, int device, int user)
    {
        try
        {
            await JoinAsync(state, device, user);
            return false;
        }
        catch (RegistrationRefusedException e) when (e.Code == ControlErrorCodes.Revoked)
        {
            return true;
        }
    }

    // Read from the file, which the state holds while it is open.
    private int[] Users()
    {
        using SqliteConnection connection = Connect();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = "SELECT identity_key FROM users";
        using SqliteDataReader reader = command.ExecuteReader();
        List<int> users = [];
        while (reader.Read())
        {
            users.Add(BitConverter.ToInt32((byte[])reader.GetValue(0)));
        }
        return [.. users.Order()];
    }

    private SqliteConnection Connect()
    {
        SqliteConnection connection = new($"Data Source={DatabaseFile};Pooling=False");
        connection.Open();
        return connection;
    }

    [Fact]
    public async Task A_user_goes_with_the_last_device_and_may_come_back()
    {
        await using (SqliteState state = Open())
        {
            TokenRow token = await state.AddTokenAsync("aa", null, null, Cancel);
            string left = await JoinAsync(state, 1, 1), one = await JoinAsync(state, 2, 2), revoked = await JoinAsync(state, 4, 4);
            await JoinAsync(state, 3, 2);
            await JoinAsync(state, 5, 5, token.Id);
            await JoinAsync(state, 6, 6);
            await state.RemoveDeviceAsync(left, Cancel);
            await state.RemoveDeviceAsync(one, Cancel);
            await state.RevokeDeviceAsync(revoked, Cancel);
            await state.RevokeTokenAsync(token.Id, withDevices: true, Cancel);
            // One that is not there takes nobody along.
            await state.RemoveDeviceAsync(left, Cancel);
        }
        Assert.Equal([2, 6], Users());
        await using (SqliteState state = Open())
        {
            await JoinAsync(state, 11, 1);
            // The device is revoked, not its user.
            Assert.True(await IsRefusedAsync(state, 4, 4));
            Assert.False(await IsRefusedAsync(state, 14, 4));
        }
        Assert.Equal([1, 2, 4, 6], Users());
    }

    [Fact]
    public async Task A_revoked_user_stays_revoked_whatever_goes_and_however_often_the_state_is_opened()
    {
        await using (SqliteState state = Open())
        {
            await JoinAsync(state, 1, 1);
            await JoinAsync(state, 2, 2);
            await state.CreateGroupAsync("ops", Cancel);
            await state.SetGroupMemberAsync("ops", Key(1), true, Cancel);
            await state.SetAdminsAsync([PeerId.FromIdentityKey(Key(1))], Cancel);
            await state.RevokeUserAsync(Key(1), Cancel);
            // Also one who was never here.
            await state.RevokeUserAsync(Key(3), Cancel);
        }
        for (int turn = 0; turn < 2; turn++)
        {
            await using (SqliteState state = Open())
            {
                await state.SetAdminsAsync([], Cancel);
                await state.DeleteGroupAsync("ops", Cancel);
                await state.RemoveDeviceAsync(DeviceId.FromDeviceKey(Key(2)), Cancel);
                Assert.True(await IsRefusedAsync(state, 1, 1));
                Assert.True(await IsRefusedAsync(state, 9, 1));
                Assert.True(await IsRefusedAsync(state, 9, 3));
            }
            Assert.Equal([1, 3], Users());
        }
    }

    [Fact]
    public async Task A_user_in_a_group_or_an_admin_stays_without_a_device_until_that_ends()
    {
        await using (SqliteState state = Open())
        {
            foreach (int user in new[] { 1, 2, 3, 4 })
            {
                await JoinAsync(state, user, user);
            }
            foreach (string group in new[] { "ops", "guests" })
            {
                await state.CreateGroupAsync(group, Cancel);
                await state.SetGroupMemberAsync(group, Key(1), true, Cancel);
            }
            await state.SetGroupMemberAsync("guests", Key(2), true, Cancel);
            await state.SetAdminsAsync(["d3", "d4"], Cancel);
            foreach (int user in new[] { 1, 2, 3, 4 })
            {
                await state.RemoveDeviceAsync(DeviceId.FromDeviceKey(Key(user)), Cancel);
            }
        }
        Assert.Equal([1, 2, 3, 4], Users());
        await using (SqliteState state = Open())
        {
            await state.SetGroupMemberAsync("ops", Key(1), false, Cancel);
            await state.SetAdminsAsync(["d4"], Cancel);
        }
        Assert.Equal([1, 2, 4], Users());
        await using (SqliteState state = Open())
        {
            await state.SetGroupMemberAsync("guests", Key(1), false, Cancel);
        }
        Assert.Equal([2, 4], Users());
        await using (SqliteState state = Open())
        {
            await state.DeleteGroupAsync("guests", Cancel);
            await state.SetAdminsAsync([], Cancel);
        }
        Assert.Empty(Users());
    }

    [Fact]
    public async Task Those_that_an_older_program_left_are_tidied_once_and_nobody_else()
    {
        await using (SqliteState state = Open())
        {
            await JoinAsync(state, 1, 1);
            await JoinAsync(state, 2, 2);
            await state.CreateGroupAsync("ops", Cancel);
            await state.SetGroupMemberAsync("ops", Key(2), true, Cancel);
            await state.RemoveDeviceAsync(DeviceId.FromDeviceKey(Key(2)), Cancel);
            await state.RevokeUserAsync(Key(3), Cancel);
        }
        using (SqliteConnection connection = Connect())
        {
            using SqliteCommand command = connection.CreateCommand();
            command.CommandText = "INSERT INTO users VALUES($1,'left',0,NULL); DROP TABLE admin_users; DROP TABLE admin_entries; PRAGMA user_version=4";
            command.Parameters.AddWithValue("$1", Key(9));
            command.ExecuteNonQuery();
        }
        Assert.Equal([1, 2, 3, 9], Users());
        await Open().DisposeAsync();
        Assert.Equal([1, 2, 3], Users());
    }
}
