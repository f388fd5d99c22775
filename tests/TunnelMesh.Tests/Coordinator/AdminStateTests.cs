using Microsoft.Data.Sqlite;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>Who administers the mesh: a name counts for whoever had it when it was put into the list, a peer ID whenever its user comes.</summary>
public sealed class AdminStateTests : IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"tm-{Guid.NewGuid():N}");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, true);

    private SqliteState Open() => SqliteState.Open(new SqliteStateOptions { File = Path.Combine(_directory, "state.db") });

    private static byte[] User(int number)
    {
        byte[] key = new byte[32];
        BitConverter.TryWriteBytes(key, number);
        return key;
    }

    private static string Id(int user) => PeerId.FromIdentityKey(User(user));

    private static async Task<RegistrationResult> JoinAsync(SqliteState state, int device, int user, string name) =>
        await state.RegisterAsync(new RegistrationRequest { DeviceKey = User(device), IdentityKey = User(user), Name = name, Record = [1], RecordGeneration = 1 }, Cancel);

    private static string Shown(IEnumerable<AdminRow> admins) => string.Join(' ', admins.Select(a => $"{a.Entry}:{string.Join(',', a.Users.Select(u => BitConverter.ToInt32(u.IdentityKey)).Order())}"));

    private static async Task<string> SetAsync(SqliteState state, params string[] entries) => Shown((await state.SetAdminsAsync(entries, Cancel)).Admins);

    private static async Task<string> AdminsAsync(SqliteState state) => Shown(await state.LoadAdminsAsync(Cancel));

    [Fact]
    public async Task A_name_stands_for_its_owner_of_then_and_for_nobody_who_takes_it_later()
    {
        string laptop;
        await using (SqliteState state = Open())
        {
            laptop = (await JoinAsync(state, 1, 1, "laptop")).Device.Id;
            Assert.Equal("laptop:1 nas:", await SetAsync(state, "laptop", "nas"));

            // Whoever comes first under a name that nobody had is a stranger, and stays one when the list is read again.
            Assert.Null((await JoinAsync(state, 2, 2, "nas")).Admins);
            Assert.Equal("laptop:1 nas:", await AdminsAsync(state));
            Assert.Equal("laptop:1 nas:", await SetAsync(state, "nas", "laptop"));
            await state.RemoveDeviceAsync(laptop, Cancel);
            Assert.Equal("laptop", (await JoinAsync(state, 3, 3, "laptop")).Device.Name);
        }
        await using SqliteState again = Open();
        Assert.Equal("laptop:1 nas:", await SetAsync(again, "laptop", "nas"));
        // The user is an admin with whatever device.
        await JoinAsync(again, 4, 1, "desk");
        Assert.Equal("laptop:1 nas:", await AdminsAsync(again));

        // Taken out and put in again, it is looked up again: that is somebody's decision.
        Assert.Equal("nas:", await SetAsync(again, "nas"));
        Assert.Equal("laptop:3 nas:", await SetAsync(again, "laptop", "nas"));
        Assert.Equal("", await SetAsync(again));
        Assert.Equal("nas:2", await SetAsync(again, "nas"));
    }

    [Fact]
    public async Task A_pattern_stands_for_those_who_fit_then_and_an_alias_for_nobody()
    {
        await using SqliteState state = Open();
        await JoinAsync(state, 1, 1, "ops-a");
        await JoinAsync(state, 2, 1, "ops-b");
        await JoinAsync(state, 3, 3, "ops-c");
        RegistrationResult other = await JoinAsync(state, 4, 4, "other");
        await state.SetAliasesAsync(other.Device.Id, ["ops-alias", "boss"], Cancel);
        Assert.Equal("boss: ops-*:1,3 ops-?:1,3", await SetAsync(state, "ops-*", "ops-?", "boss"));
        await JoinAsync(state, 5, 5, "ops-d");
        Assert.Equal("boss: ops-*:1,3 ops-?:1,3", await SetAsync(state, "ops-*", "ops-?", "boss"));
    }

    [Fact]
    public async Task A_peer_ID_also_finds_a_user_who_comes_later_and_is_never_taken_for_a_name()
    {
        await using SqliteState state = Open();
        await JoinAsync(state, 1, 1, "a");
        // Whoever calls a device by another's peer ID gets no rights by it.
        await JoinAsync(state, 2, 2, Id(3));
        Assert.Equal(new[] { $"{Id(1)}:1", $"{Id(3)}:" }.Order(StringComparer.Ordinal), (await SetAsync(state, Id(1), Id(3))).Split(' '));
        long number = (await state.LoadMeshAsync(Cancel)).MapNumber;
        RegistrationResult came = await JoinAsync(state, 3, 3, "c");
        Assert.Equal((true, number + 1), (came.Changed, came.MapNumber));
        Assert.Equal(new[] { $"{Id(1)}:1", $"{Id(3)}:3" }.Order(StringComparer.Ordinal), Shown(came.Admins!).Split(' '));
        // Known by now: no news.
        Assert.Null((await JoinAsync(state, 4, 3, "d")).Admins);
        Assert.Null((await JoinAsync(state, 5, 5, "e")).Admins);
    }

    [Fact]
    public async Task Of_two_keys_with_one_ID_the_first_is_the_admin()
    {
        await using (SqliteState state = Open())
        {
            await JoinAsync(state, 1, 1, "a");
            await JoinAsync(state, 2, 2, "b");
        }
        // Nobody has found such keys yet, so the state is told that these two are.
        await using (SqliteConnection connection = new($"Data Source={Path.Combine(_directory, "state.db")};Pooling=False"))
        {
            await connection.OpenAsync(Cancel);
            await using SqliteCommand command = connection.CreateCommand();
            command.CommandText = "UPDATE users SET id=$1, created=CASE identity_key WHEN $2 THEN 5 ELSE 4 END";
            command.Parameters.AddWithValue("$1", Id(1));
            command.Parameters.AddWithValue("$2", User(1));
            Assert.Equal(2, await command.ExecuteNonQueryAsync(Cancel));
        }
        await using SqliteState again = Open();
        Assert.Equal($"{Id(1)}:2", await SetAsync(again, Id(1)));
        // The entry has its user, so one who comes is none by it.
        await again.RemoveDeviceAsync(DeviceId.FromDeviceKey(User(1)), Cancel);
        Assert.Null((await JoinAsync(again, 3, 1, "a")).Admins);
        Assert.Equal($"{Id(1)}:2", await AdminsAsync(again));
    }

    [Fact]
    public async Task Only_a_change_of_who_is_an_admin_takes_a_number_and_a_revoked_user_is_none_for_good()
    {
        await using SqliteState state = Open();
        await JoinAsync(state, 1, 1, "a");
        await JoinAsync(state, 2, 2, "b");
        long number = (await state.LoadMeshAsync(Cancel)).MapNumber;
        AdminResult first = await state.SetAdminsAsync(["a"], Cancel);
        Assert.Equal((true, number + 1), (first.Changed, first.MapNumber));
        // The same user by another entry, and one that stands for nobody.
        AdminResult same = await state.SetAdminsAsync([Id(1), "nobody"], Cancel);
        Assert.Equal((false, number + 1), (same.Changed, same.MapNumber));
        await state.RevokeUserAsync(User(1), Cancel);
        Assert.All(await state.LoadAdminsAsync(Cancel), a => Assert.Empty(a.Users));
        Assert.Equal($"{Id(1)}:", await SetAsync(state, Id(1)));
        Assert.Equal("", await SetAsync(state));
        Assert.Equal($"{Id(1)}:", await SetAsync(state, Id(1)));
        await Assert.ThrowsAsync<RegistrationRefusedException>(() => JoinAsync(state, 3, 1, "c"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Laptop")]
    [InlineData("a b")]
    [InlineData("[a-z]")]
    [InlineData("a.tm")]
    public async Task What_can_stand_for_nobody_is_refused_and_so_are_too_many(string entry)
    {
        await using SqliteState state = Open();
        await Assert.ThrowsAsync<ArgumentException>(async () => await state.SetAdminsAsync([entry], Cancel));
        string[] most = [.. Enumerable.Range(0, AdminEntry.Most).Select(i => $"a{i}")];
        Assert.Equal(AdminEntry.Most, (await state.SetAdminsAsync(most, Cancel)).Admins.Count);
        await Assert.ThrowsAsync<ArgumentException>(async () => await state.SetAdminsAsync([.. most, "more"], Cancel));
        Assert.Equal(AdminEntry.Most, (await state.LoadAdminsAsync(Cancel)).Count);
    }
}
