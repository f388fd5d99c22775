using Microsoft.Data.Sqlite;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Coordinator;

public sealed class GroupStateTests : IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"tm-{Guid.NewGuid():N}");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string DatabaseFile => Path.Combine(_directory, "state.db");

    public void Dispose() => Directory.Delete(_directory, true);

    private SqliteState Open() => SqliteState.Open(new SqliteStateOptions { File = DatabaseFile });

    private static byte[] User(int number)
    {
        byte[] key = new byte[32];
        BitConverter.TryWriteBytes(key, number);
        return key;
    }

    // A device of a user.
    private static async Task<string> JoinAsync(SqliteState state, int device, int user) =>
        (await state.RegisterAsync(new RegistrationRequest { DeviceKey = User(device), IdentityKey = User(user), Name = $"d{device}", Record = [1], RecordGeneration = 1 }, Cancel)).Device.Id;

    private static async Task<string[]> GroupsAsync(SqliteState state) =>
        [.. (await state.LoadGroupsAsync(Cancel)).Select(g => $"{g.Name}:{string.Join(',', g.Members.Select(m => BitConverter.ToInt32(m.IdentityKey)).Order())}")];

    private static async Task<GroupOutcome> AddAsync(SqliteState state, string group, int user) => (await state.SetGroupMemberAsync(group, User(user), true, Cancel)).Outcome;

    private static async Task<GroupOutcome> RemoveAsync(SqliteState state, string group, int user) => (await state.SetGroupMemberAsync(group, User(user), false, Cancel)).Outcome;

    [Fact]
    public async Task Groups_and_members_are_numbered_and_kept_over_a_restart()
    {
        long number;
        await using (SqliteState state = Open())
        {
            await JoinAsync(state, 1, 1);
            await JoinAsync(state, 2, 2);
            number = (await state.LoadMeshAsync(Cancel)).MapNumber;
            GroupResult made = await state.CreateGroupAsync("ops", Cancel);
            Assert.Equal((GroupOutcome.Changed, number + 1), (made.Outcome, made.MapNumber));
            Assert.Empty(Assert.Single(made.Groups).Members);
            await state.CreateGroupAsync("guests", Cancel);
            GroupResult added = await state.SetGroupMemberAsync("ops", User(2), true, Cancel);
            Assert.Equal(number + 3, added.MapNumber);
            Assert.Equal(PeerId.FromIdentityKey(User(2)), Assert.Single(added.Groups.Single(g => g.Name == "ops").Members).UserId);
            await AddAsync(state, "ops", 1);
            await AddAsync(state, "guests", 1);

            // What is so already takes no number.
            Assert.Equal((GroupOutcome.Unchanged, GroupOutcome.Unchanged, GroupOutcome.Unchanged),
                ((await state.CreateGroupAsync("ops", Cancel)).Outcome, await AddAsync(state, "ops", 1), await RemoveAsync(state, "guests", 2)));
            Assert.Equal((GroupOutcome.UnknownGroup, GroupOutcome.UnknownGroup, GroupOutcome.UnknownUser),
                ((await state.DeleteGroupAsync("none", Cancel)).Outcome, await AddAsync(state, "none", 1), await AddAsync(state, "ops", 9)));
            Assert.Equal(number + 5, (await state.LoadMeshAsync(Cancel)).MapNumber);
        }
        await using SqliteState again = Open();
        Assert.Equal(["guests:1", "ops:1,2"], await GroupsAsync(again));
        Assert.Equal(GroupOutcome.Changed, await RemoveAsync(again, "ops", 1));
        Assert.Equal(GroupOutcome.Changed, (await again.DeleteGroupAsync("guests", Cancel)).Outcome);
        Assert.Equal(["ops:2"], await GroupsAsync(again));
        // A new group of the name has nobody of the old one in it.
        await again.CreateGroupAsync("guests", Cancel);
        Assert.Equal(["guests:", "ops:2"], await GroupsAsync(again));
        Assert.Equal(number + 8, (await again.LoadMeshAsync(Cancel)).MapNumber);
    }

    [Fact]
    public async Task A_user_stays_in_a_group_without_a_device_and_is_out_of_all_when_revoked()
    {
        await using SqliteState state = Open();
        string one = await JoinAsync(state, 1, 1), other = await JoinAsync(state, 2, 1);
        await JoinAsync(state, 3, 3);
        await state.CreateGroupAsync("ops", Cancel);
        await AddAsync(state, "ops", 1);
        await AddAsync(state, "ops", 3);
        await state.RevokeDeviceAsync(one, Cancel);
        await state.RemoveDeviceAsync(other, Cancel);
        Assert.Equal(["ops:1,3"], await GroupsAsync(state));
        await state.RevokeUserAsync(User(1), Cancel);
        Assert.Equal(["ops:3"], await GroupsAsync(state));
        Assert.Equal(GroupOutcome.UnknownUser, await AddAsync(state, "ops", 1));
    }

    [Fact]
    public async Task There_are_only_so_many_groups_members_and_groups_of_a_user()
    {
        await using SqliteState state = Open();
        await JoinAsync(state, 1, 1);
        for (int i = 0; i < GroupLimits.Groups; i++)
        {
            Assert.Equal(GroupOutcome.Changed, (await state.CreateGroupAsync($"g{i}", Cancel)).Outcome);
            Assert.Equal(i < GroupLimits.OfUser ? GroupOutcome.Changed : GroupOutcome.TooManyOfUser, await AddAsync(state, $"g{i}", 1));
        }
        Assert.Equal(GroupOutcome.TooManyGroups, (await state.CreateGroupAsync("one-more", Cancel)).Outcome);
        Assert.Equal(GroupOutcome.Unchanged, (await state.CreateGroupAsync("g0", Cancel)).Outcome);
        await RemoveAsync(state, "g0", 1);
        Assert.Equal(GroupOutcome.Changed, await AddAsync(state, "g200", 1));
    }

    [Fact]
    public async Task A_full_group_takes_nobody_more()
    {
        await using (SqliteState state = Open())
        {
            await JoinAsync(state, 1, 1);
            await state.CreateGroupAsync("ops", Cancel);
        }
        // Each by itself would take a transaction.
        await WriteAsync($"""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<{GroupLimits.Members})
            INSERT INTO users SELECT CAST(printf('%032d',i) AS BLOB), printf('%016d',i), 0, NULL FROM n;
            INSERT INTO group_members SELECT 'ops', identity_key, 0 FROM users WHERE length(identity_key)=32 AND created=0
            """);
        await using SqliteState full = Open();
        Assert.Equal(GroupLimits.Members, Assert.Single(await full.LoadGroupsAsync(Cancel)).Members.Count);
        Assert.Equal(GroupOutcome.TooManyMembers, await AddAsync(full, "ops", 1));
    }

    [Theory]
    [InlineData("everyone")]
    [InlineData("all_admin_users")]
    [InlineData("Ops")]
    [InlineData("a_b")]
    [InlineData("-a")]
    [InlineData("")]
    public async Task A_name_that_is_none_or_built_in_is_refused(string name)
    {
        await using SqliteState state = Open();
        await Assert.ThrowsAsync<ArgumentException>(async () => await state.CreateGroupAsync(name, Cancel));
        Assert.Empty(await state.LoadGroupsAsync(Cancel));
    }

    [Fact]
    public async Task A_state_from_before_there_were_groups_is_taken_over()
    {
        await using (SqliteState state = Open())
        {
            await JoinAsync(state, 1, 1);
        }
        await WriteAsync("DROP TABLE admin_users; DROP TABLE admin_entries; DROP TABLE group_members; DROP TABLE user_groups; PRAGMA user_version=3");
        await using SqliteState migrated = Open();
        await migrated.CreateGroupAsync("ops", Cancel);
        Assert.Equal(GroupOutcome.Changed, await AddAsync(migrated, "ops", 1));
        Assert.Single(await migrated.LoadDevicesAsync(Cancel));
    }

    private async Task WriteAsync(string sql)
    {
        await using SqliteConnection connection = new($"Data Source={DatabaseFile};Pooling=False");
        await connection.OpenAsync(Cancel);
        await using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // A constant of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(Cancel);
    }
}
