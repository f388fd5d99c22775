using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Control;
using Xunit;

namespace TunnelMesh.Tests.Coordinator;

public sealed class SqliteStateTests : IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"tm-{Guid.NewGuid():N}");
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    private string DatabaseFile => Path.Combine(_directory, "state.db");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        if (Directory.Exists(_directory))
        {
            Directory.Delete(_directory, true);
        }
    }

    private SqliteState Open(string cidr = "10.42.0.0/16", string? file = null, long maxBytes = 0) =>
        SqliteState.Open(new SqliteStateOptions { File = file ?? DatabaseFile, Cidr = cidr, Time = _time, MaxBytes = maxBytes });

    private static byte[] Key(int number)
    {
        byte[] key = new byte[32];
        BitConverter.TryWriteBytes(key, number);
        return key;
    }

    private static RegistrationRequest Device(int number, string name = "laptop", long? token = null, int recordBytes = 200) => new()
    {
        DeviceKey = Key(number),
        IdentityKey = Key(-1 - number),
        Name = name,
        Record = new byte[recordBytes],
        RecordGeneration = 1,
        TokenId = token,
    };

    private static async Task<string> RefusedAsync(SqliteState state, RegistrationRequest request) =>
        (await Assert.ThrowsAsync<RegistrationRefusedException>(async () => await state.RegisterAsync(request, Cancel))).Code;

    [Fact]
    public async Task A_device_keeps_name_and_addresses_over_a_restart()
    {
        RegistrationResult first;
        string meshId;
        await using (SqliteState state = Open())
        {
            meshId = state.Mesh.MeshId;
            first = await state.RegisterAsync(Device(1), Cancel);
        }
        Assert.Equal("10.42.0.1", first.Device.Ip.ToString());
        Assert.Equal((true, true, 1L), (first.Created, first.Changed, first.MapNumber));
        await using SqliteState again = Open();
        RegistrationResult second = await again.RegisterAsync(Device(1, "other"), Cancel);
        Assert.Equal(meshId, again.Mesh.MeshId);
        Assert.Equal((first.Device.Name, first.Device.Ip, first.Device.Ip6), (second.Device.Name, second.Device.Ip, second.Device.Ip6));
        Assert.Equal((false, false, 1L), (second.Created, second.Changed, second.MapNumber));
    }

    [Fact]
    public async Task An_alias_stays_with_its_first_owner_over_a_restart_and_is_free_when_that_lets_go_of_it()
    {
        string[] ids;
        await using (SqliteState state = Open())
        {
            ids = [(await state.RegisterAsync(Device(1, "nas"), Cancel)).Device.Id, (await state.RegisterAsync(Device(2, "desk"), Cancel)).Device.Id];
            RegistrationResult? first = await state.SetAliasesAsync(ids[0], ["files", "backup", "files", "desk"], Cancel);
            Assert.Equal((true, 3L), (first!.Changed, first.MapNumber));
            Assert.Equal(["backup", "files"], first.Device.Aliases);
            Assert.False((await state.SetAliasesAsync(ids[0], ["files", "backup"], Cancel))!.Changed);
            Assert.Equal(["docs"], (await state.SetAliasesAsync(ids[1], ["files", "docs", "nas"], Cancel))!.Device.Aliases);
            Assert.Null(await state.SetAliasesAsync("nobody", ["x"], Cancel));
            // Names and aliases are one space.
            Assert.Equal("files-2", (await state.RegisterAsync(Device(3, "files"), Cancel)).Device.Name);
            Assert.Equal(["backup", "files"], (await state.RegisterAsync(Device(1), Cancel)).Device.Aliases);
        }
        await using SqliteState again = Open();
        Assert.Equal([["backup", "files"], ["docs"], []], (await again.LoadDevicesAsync(Cancel)).Select(d => d.Aliases));
        Assert.Equal(["backup"], (await again.SetAliasesAsync(ids[0], ["backup"], Cancel))!.Device.Aliases);
        Assert.Equal(["docs", "files"], (await again.SetAliasesAsync(ids[1], ["files", "docs"], Cancel))!.Device.Aliases);
        await again.RemoveDeviceAsync(ids[1], Cancel);
        Assert.Equal(["backup", "docs"], (await again.SetAliasesAsync(ids[0], ["docs", "backup"], Cancel))!.Device.Aliases);
    }

    [Fact]
    public async Task A_state_from_before_there_were_aliases_is_taken_over()
    {
        await using (SqliteState state = Open())
        {
            await state.RegisterAsync(Device(1, "nas"), Cancel);
        }
        Write(DatabaseFile, "DROP TABLE admin_users; DROP TABLE admin_entries; DROP TABLE group_members; DROP TABLE user_groups; DROP TABLE aliases; PRAGMA user_version=2");
        await using SqliteState again = Open();
        DeviceRow device = Assert.Single(await again.LoadDevicesAsync(Cancel));
        Assert.Equal(["files"], (await again.SetAliasesAsync(device.Id, ["files"], Cancel))!.Device.Aliases);
    }

    [Fact]
    public async Task A_taken_name_gets_a_suffix_and_a_reserved_one_is_refused()
    {
        await using SqliteState state = Open();
        Assert.Equal("laptop", (await state.RegisterAsync(Device(1), Cancel)).Device.Name);
        Assert.Equal("laptop-2", (await state.RegisterAsync(Device(2), Cancel)).Device.Name);
        Assert.Equal("laptop-3", (await state.RegisterAsync(Device(3), Cancel)).Device.Name);
        Assert.Equal(ControlErrorCodes.NameRefused, await RefusedAsync(state, Device(4, "admin")));
        Assert.Equal(ControlErrorCodes.NameRefused, await RefusedAsync(state, Device(4, "Not a label")));
        Assert.Equal(3, (await state.LoadMeshAsync(Cancel)).MapNumber);
    }

    [Fact]
    public async Task A_freed_address_rests_and_a_full_range_is_refused_by_name()
    {
        await using SqliteState state = Open("10.42.0.0/28");
        List<RegistrationResult> all = [];
        for (int i = 1; i <= 5; i++)
        {
            all.Add(await state.RegisterAsync(Device(i), Cancel));
        }
        Assert.Equal(ControlErrorCodes.AddressesExhausted, await RefusedAsync(state, Device(6)));
        RemovalResult left = await state.RemoveDeviceAsync(all[2].Device.Id, Cancel);
        Assert.Equal([all[2].Device.Id], left.DeviceIds);
        Assert.Equal(6, left.MapNumber);
        Assert.Equal(ControlErrorCodes.AddressesExhausted, await RefusedAsync(state, Device(6)));
        Assert.Equal(all[2].Device.Ip, (await state.RegisterAsync(Device(3), Cancel)).Device.Ip);
        await state.RemoveDeviceAsync(all[2].Device.Id, Cancel);
        _time.Advance(TimeSpan.FromHours(24));
        Assert.Equal(all[2].Device.Ip, (await state.RegisterAsync(Device(6), Cancel)).Device.Ip);
    }

    [Fact]
    public async Task Two_hundred_at_once_all_get_their_own_address_and_are_on_disk_without_closing()
    {
        await using SqliteState state = Open();
        RegistrationResult[] results = await Task.WhenAll(Enumerable.Range(1, 200).Select(i => Task.Run(async () => await state.RegisterAsync(Device(i), Cancel))));
        Assert.Equal(200, results.Select(r => r.Device.Ip).Distinct().Count());
        Assert.Equal(200, results.Select(r => r.Device.Name).Distinct().Count());
        Assert.Equal(Enumerable.Range(1, 200).Select(i => (long)i), results.Select(r => r.MapNumber).Order());

        string copy = Path.Combine(_directory, "copy", "state.db");
        Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
        File.Copy(DatabaseFile, copy);
        File.Copy(DatabaseFile + "-wal", copy + "-wal");
        await using SqliteState recovered = Open(file: copy);
        IReadOnlyList<DeviceRow> devices = await recovered.LoadDevicesAsync(Cancel);
        Assert.Equal(results.Select(r => (r.Device.Id, r.Device.Ip)).Order(Comparer<(string, System.Net.IPAddress)>.Create((a, b) => string.CompareOrdinal(a.Item1, b.Item1))),
            devices.Select(d => (d.Id, d.Ip)).OrderBy(d => d.Id, StringComparer.Ordinal));
        Assert.Equal(200, recovered.Mesh.MapNumber);
    }

    [Fact]
    public async Task Revoked_devices_and_users_stay_out()
    {
        await using SqliteState state = Open();
        string id = (await state.RegisterAsync(Device(1), Cancel)).Device.Id;
        await state.RegisterAsync(Device(2), Cancel);
        Assert.Single((await state.RevokeDeviceAsync(id, Cancel)).DeviceIds);
        Assert.Equal(ControlErrorCodes.Revoked, await RefusedAsync(state, Device(1)));
        Assert.Single((await state.RevokeUserAsync(Device(2).IdentityKey, Cancel)).DeviceIds);
        Assert.Equal(ControlErrorCodes.Revoked, await RefusedAsync(state, Device(2)));
        Assert.Equal(ControlErrorCodes.Revoked, await RefusedAsync(state, Device(3) with { IdentityKey = Device(2).IdentityKey }));
        Assert.Equal(ControlErrorCodes.UnknownDevice, await RefusedAsync(state, Device(4) with { KnownOnly = true }));
        Assert.Empty(await state.LoadDevicesAsync(Cancel));
    }

    [Fact]
    public async Task A_known_device_key_is_not_taken_over_by_another_user_and_an_older_record_never_wins()
    {
        await using SqliteState state = Open();
        await state.RegisterAsync(Device(1) with { RecordGeneration = ulong.MaxValue - 1 }, Cancel);
        Assert.Equal(ControlErrorCodes.DeviceInUse, await RefusedAsync(state, Device(1) with { IdentityKey = Key(77) }));
        RegistrationResult older = await state.RegisterAsync(Device(1) with { RecordGeneration = 5, Record = [9] }, Cancel);
        Assert.False(older.Changed);
        RegistrationResult newer = await state.RegisterAsync(Device(1) with { RecordGeneration = ulong.MaxValue, Record = [9] }, Cancel);
        Assert.Equal((true, 2L), (newer.Changed, newer.MapNumber));
        Assert.Equal([9], (await state.LoadDevicesAsync(Cancel))[0].Record);
    }

    [Fact]
    public async Task Tokens_end_by_uses_time_and_revocation()
    {
        await using SqliteState state = Open();
        TokenRow once = await state.AddTokenAsync("aa", null, 1, Cancel);
        TokenRow hour = await state.AddTokenAsync("bb", _time.GetUtcNow() + TimeSpan.FromHours(1), null, Cancel);
        Assert.Equal(once, await state.AddTokenAsync("aa", null, 5, Cancel));
        Assert.DoesNotContain("aa", $"{once}", StringComparison.Ordinal);
        await state.RegisterAsync(Device(1, token: once.Id), Cancel);
        Assert.Equal(ControlErrorCodes.ProofRefused, await RefusedAsync(state, Device(2, token: once.Id)));
        await state.RegisterAsync(Device(2, token: hour.Id), Cancel);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal(ControlErrorCodes.ProofRefused, await RefusedAsync(state, Device(3, token: hour.Id)));
        TokenRow third = await state.AddTokenAsync("cc", null, null, Cancel);
        Assert.Empty((await state.RevokeTokenAsync(third.Id, withDevices: true, Cancel))!.DeviceIds);
        Assert.Null(await state.RevokeTokenAsync(999, withDevices: true, Cancel));
        Assert.Equal(ControlErrorCodes.ProofRefused, await RefusedAsync(state, Device(3, token: third.Id)));
        Assert.Equal([1L, 1L, 0L], (await state.LoadTokensAsync(Cancel)).Select(t => t.Uses));
    }

    [Fact]
    public async Task A_revoked_token_takes_along_whom_it_admitted_only_when_that_is_wanted_and_never_the_coordinator()
    {
        await using SqliteState state = Open();
        TokenRow one = await state.AddTokenAsync("aa", null, null, Cancel), other = await state.AddTokenAsync("bb", null, null, Cancel);
        RegistrationResult a = await state.RegisterAsync(Device(1, token: one.Id), Cancel), hub = await state.RegisterAsync(Device(2, token: one.Id), Cancel);
        await state.RegisterAsync(Device(3, token: other.Id), Cancel);
        await state.RegisterAsync(Device(2) with { Coordinator = true }, Cancel);
        Assert.Empty((await state.RevokeTokenAsync(one.Id, withDevices: false, Cancel))!.DeviceIds);
        Assert.Equal(3, (await state.LoadDevicesAsync(Cancel)).Count);
        // Also of one that is revoked already.
        RemovalResult gone = (await state.RevokeTokenAsync(one.Id, withDevices: true, Cancel))!;
        Assert.Equal([a.Device.Id], gone.DeviceIds);
        Assert.True(await state.IsRevokedAsync(a.Device.Id, Cancel));
        Assert.Contains(hub.Device.Id, (await state.LoadDevicesAsync(Cancel)).Select(d => d.Id));
        Assert.Equal(ControlErrorCodes.Revoked, await RefusedAsync(state, Device(1, token: other.Id)));
    }

    [Fact]
    public async Task A_full_disk_fails_the_one_caller_and_the_writer_lives_on()
    {
        await using SqliteState state = Open(maxBytes: 256 * 1024);
        await state.RegisterAsync(Device(1), Cancel);
        await Assert.ThrowsAsync<StorageFailedException>(async () => await state.RegisterAsync(Device(2, recordBytes: 1 << 20), Cancel));
        Assert.Equal(2, (await state.RegisterAsync(Device(3), Cancel)).MapNumber);
        Assert.Equal(2, (await state.LoadDevicesAsync(Cancel)).Count);
    }

    [Fact]
    public async Task Damaged_foreign_newer_and_other_range_are_refused_and_left_alone()
    {
        await using (SqliteState state = Open())
        {
            await state.RegisterAsync(Device(1), Cancel);
        }
        Assert.Contains("10.42.0.0/16", Assert.Throws<CoordinatorStateException>(() => Open("10.43.0.0/16")).Message, StringComparison.Ordinal);
        byte[] good = await File.ReadAllBytesAsync(DatabaseFile, Cancel);
        foreach (byte[] bad in (byte[][])[[], [.. "not a database, but some text"u8, .. new byte[8192]], good[..4096], [.. good[..4096], .. new byte[good.Length - 4096]]])
        {
            await File.WriteAllBytesAsync(DatabaseFile, bad, Cancel);
            Assert.Contains(DatabaseFile, Assert.Throws<CoordinatorStateException>(() => Open()).Message, StringComparison.Ordinal);
            Assert.Equal(bad, await File.ReadAllBytesAsync(DatabaseFile, Cancel));
        }
        await File.WriteAllBytesAsync(DatabaseFile, good, Cancel);
        Write(DatabaseFile, "PRAGMA user_version=99");
        Assert.Contains("99", Assert.Throws<CoordinatorStateException>(() => Open()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("damaged")]
    [InlineData("newer")]
    [InlineData("foreign")]
    public async Task What_is_refused_keeps_its_write_ahead_log_and_every_byte(string what)
    {
        string copy = Path.Combine(_directory, "copy.db");
        await using (SqliteState first = Open())
        {
            await first.RegisterAsync(Device(1), Cancel);
        }
        if (what == "newer")
        {
            Write(DatabaseFile, "PRAGMA user_version=99");
        }
        // Copied while it is open, as a killed coordinator leaves it: the newest registration is in the log alone.
        if (what == "newer")
        {
            using SqliteConnection open = new($"Data Source={DatabaseFile};Pooling=False");
            open.Open();
            Execute(open, "PRAGMA journal_mode=WAL");
            Execute(open, "INSERT INTO meta VALUES('later','1')");
            Copy();
        }
        else
        {
            await using SqliteState second = Open();
            await second.RegisterAsync(Device(2), Cancel);
            Copy();
        }
        byte[] file = await File.ReadAllBytesAsync(copy, Cancel), log = await File.ReadAllBytesAsync(copy + "-wal", Cancel);
        Assert.NotEmpty(log);
        if (what == "damaged")
        {
            file.AsSpan(4096).Fill(0xa5);
        }
        else if (what == "foreign")
        {
            file[68] = 1;
        }
        await File.WriteAllBytesAsync(copy, file, Cancel);
        string[] before = [.. Directory.GetFiles(_directory, "copy*").Order()];

        Assert.Contains(copy, Assert.Throws<CoordinatorStateException>(() => Open(file: copy)).Message, StringComparison.Ordinal);
        Assert.Equal(file, await File.ReadAllBytesAsync(copy, Cancel));
        Assert.Equal(log, await File.ReadAllBytesAsync(copy + "-wal", Cancel));
        Assert.Equal(before, Directory.GetFiles(_directory, "copy*").Order());

        void Copy()
        {
            File.Copy(DatabaseFile, copy);
            File.Copy(DatabaseFile + "-wal", copy + "-wal");
        }
    }

    private static void Write(string file, string sql)
    {
        using SqliteConnection connection = new($"Data Source={file};Pooling=False");
        connection.Open();
        Execute(connection, sql);
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
#pragma warning disable CA2100 // Texts of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    [Fact]
    public async Task Files_are_for_their_owner_only()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }
        await using SqliteState state = Open();
        await state.RegisterAsync(Device(1), Cancel);
        const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(Owner | UnixFileMode.UserExecute, File.GetUnixFileMode(_directory));
        foreach (string file in Directory.GetFiles(_directory))
        {
            Assert.Equal(Owner, File.GetUnixFileMode(file));
        }
    }
}
