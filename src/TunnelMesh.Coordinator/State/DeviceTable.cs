using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using Microsoft.Data.Sqlite;
using TunnelMesh.Coordinator.Names;
using TunnelMesh.Protocol.Addressing;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Coordinator.State;

/// <summary>The rules of admission as statements inside the writer's transaction.</summary>
internal sealed class DeviceTable(IPNetwork cidr, IPNetwork ula, SqliteStateOptions options)
{
    private const string Columns = "SELECT device_key, id, identity_key, name, ip, record, generation, coordinator, program_version, created, last_seen, token_id FROM devices";
    private readonly AddressRange _range = MeshAddresses.DeviceRange(cidr);

    private long Now => options.Time.GetUtcNow().ToUnixTimeSeconds();

    internal static long MapNumber(SqliteSession s) =>
        long.Parse((string)s.Scalar("SELECT value FROM meta WHERE key='map_number'")!, CultureInfo.InvariantCulture);

    internal List<DeviceRow> All(SqliteSession s)
    {
        ILookup<string, string> aliases = s.Query("SELECT device_id, alias FROM aliases ORDER BY alias", r => (Id: r.GetString(0), Alias: r.GetString(1))).ToLookup(a => a.Id, a => a.Alias);
        return [.. s.Query(Columns + " ORDER BY ip", Read).Select(d => aliases.Contains(d.Id) ? d with { Aliases = [.. aliases[d.Id]] } : d)];
    }

    internal RegistrationResult Register(SqliteSession s, RegistrationRequest request)
    {
        string id = DeviceId.FromDeviceKey(request.DeviceKey), user = PeerId.FromIdentityKey(request.IdentityKey);
        if (IsRevoked(s, id) ||
            s.Scalar("SELECT 1 FROM users WHERE identity_key=$1 AND revoked IS NOT NULL", request.IdentityKey) is not null)
        {
            throw new RegistrationRefusedException(ControlErrorCodes.Revoked, "This device or its user was revoked in this mesh. Ask an admin of the mesh.");
        }
        DeviceRow? known = Find(s, "device_key", request.DeviceKey);
        if (known is null && request.KnownOnly)
        {
            throw new RegistrationRefusedException(ControlErrorCodes.UnknownDevice, "This mesh does not know the device. Join it again with a token.");
        }
        if (known is not null && !known.IdentityKey.AsSpan().SequenceEqual(request.IdentityKey))
        {
            throw new RegistrationRefusedException(ControlErrorCodes.DeviceInUse, "This device key belongs to another user of the mesh. Remove the context on this machine and join anew.");
        }
        if (request.TokenId is long tokenId && TokenTable.Find(s, tokenId)?.IsValid(options.Time.GetUtcNow()) != true)
        {
            throw new RegistrationRefusedException(ControlErrorCodes.ProofRefused, "The token is no longer valid: withdrawn, ended, or used as often as it may be. Ask for a new one.");
        }
        if (request.Coordinator)
        {
            // One coordinator to a state: a device that coordinated before its key was lost is an ordinary one from now on.
            s.Execute("UPDATE devices SET coordinator=0 WHERE coordinator=1 AND device_key<>$1", request.DeviceKey);
        }
        return known is null ? Insert(s, request, id, user) : Update(s, request, known);
    }

    internal RegistrationResult? SetAliases(SqliteSession s, string id, IReadOnlyList<string> wanted)
    {
        if (Find(s, "id", id) is not { } device)
        {
            return null;
        }
        string[] aliases = [.. wanted.Distinct().Where(a => !IsTaken(s, a, id)).Order(StringComparer.Ordinal)];
        if (aliases.SequenceEqual(device.Aliases))
        {
            return new RegistrationResult(device, false, false, MapNumber(s));
        }
        s.Execute("DELETE FROM aliases WHERE device_id=$1", id);
        foreach (string alias in aliases)
        {
            s.Execute("INSERT INTO aliases VALUES($1,$2)", alias, id);
        }
        return new RegistrationResult(device with { Aliases = aliases }, false, true, NextMapNumber(s));
    }

    private DeviceRow? Find(SqliteSession s, string column, object value)
    {
        DeviceRow? device = (column == "id" ? s.Query(Columns + " WHERE id=$1", Read, value) : s.Query(Columns + " WHERE device_key=$1", Read, value)).FirstOrDefault();
        return device is null ? null : device with { Aliases = s.Query("SELECT alias FROM aliases WHERE device_id=$1 ORDER BY alias", r => r.GetString(0), device.Id) };
    }

    // Names and aliases are one space: nobody becomes another device by calling itself so.
    private static bool IsTaken(SqliteSession s, string name, string exceptAliasOf) =>
        s.Scalar("SELECT 1 FROM devices WHERE name=$1 UNION ALL SELECT 1 FROM aliases WHERE alias=$1 AND device_id<>$2", name, exceptAliasOf) is not null;

    internal static bool IsRevoked(SqliteSession s, string id) => s.Scalar("SELECT 1 FROM revoked_devices WHERE id=$1", id) is not null;

    internal RemovalResult RevokeDevice(SqliteSession s, string id)
    {
        MarkRevoked(s, id);
        return Remove(s, [id]);
    }

    internal RemovalResult RevokeUser(SqliteSession s, byte[] identityKey)
    {
        s.Execute("INSERT INTO users VALUES($1,$2,$3,$3) ON CONFLICT(identity_key) DO UPDATE SET revoked=coalesce(revoked,$3)",
            identityKey, PeerId.FromIdentityKey(identityKey), Now);
        GroupTable.Forget(s, identityKey);
        List<string> ids = s.Query("SELECT id FROM devices WHERE identity_key=$1", r => r.GetString(0), identityKey);
        // A device that comes back with its certificate is to hear that it was revoked, not that it is unknown.
        ids.ForEach(id => MarkRevoked(s, id));
        return Remove(s, ids);
    }

    /// <summary>Revokes what a token has admitted; of null, nothing.</summary>
    internal RemovalResult? RevokeAdmitted(SqliteSession s, long? token)
    {
        List<string> ids = token is null ? [] : s.Query("SELECT id FROM devices WHERE token_id=$1 AND coordinator=0", r => r.GetString(0), token);
        ids.ForEach(id => MarkRevoked(s, id));
        return Remove(s, ids);
    }

    private void MarkRevoked(SqliteSession s, string id) =>
        s.Execute("INSERT INTO revoked_devices VALUES($1,$2) ON CONFLICT DO NOTHING", id, Now);

    internal RemovalResult Remove(SqliteSession s, IReadOnlyList<string> ids)
    {
        List<string> removed = [];
        foreach (string id in ids)
        {
            if (s.Query("SELECT ip, identity_key FROM devices WHERE id=$1", r => (Ip: r.GetInt64(0), User: (byte[])r.GetValue(1)), id) is not [var device])
            {
                continue;
            }
            s.Execute("DELETE FROM aliases WHERE device_id=$1", id);
            s.Execute("DELETE FROM devices WHERE id=$1", id);
            s.Execute("INSERT OR REPLACE INTO resting_addresses VALUES($1,$2,$3)", device.Ip, id, Now + (long)options.AddressRest.TotalSeconds);
            UserTable.Tidy(s, device.User);
            removed.Add(id);
        }
        return new RemovalResult(removed, removed.Count > 0 ? NextMapNumber(s) : MapNumber(s));
    }

    private static RegistrationResult Update(SqliteSession s, RegistrationRequest request, DeviceRow known)
    {
        DeviceRow now = known with { ProgramVersion = request.ProgramVersion, Coordinator = known.Coordinator || request.Coordinator };
        if (request.RecordGeneration > known.RecordGeneration)
        {
            now = now with { Record = request.Record, RecordGeneration = request.RecordGeneration };
        }
        if (now == known)
        {
            return new RegistrationResult(known, false, false, MapNumber(s));
        }
        s.Execute("UPDATE devices SET record=$2, generation=$3, coordinator=$4, program_version=$5 WHERE device_key=$1",
            now.DeviceKey, now.Record, unchecked((long)now.RecordGeneration), now.Coordinator ? 1L : 0L, now.ProgramVersion);
        return new RegistrationResult(now, false, true, NextMapNumber(s));
    }

    private RegistrationResult Insert(SqliteSession s, RegistrationRequest request, string id, string user)
    {
        string? name = DeviceNames.Choose(request.Name, n => IsTaken(s, n, ""), out string? refusal);
        if (name is null)
        {
            throw new RegistrationRefusedException(ControlErrorCodes.NameRefused, refusal!);
        }
        long now = Now;
        long ip = TakeAddress(s, id, now);
        s.Execute("INSERT INTO users VALUES($1,$2,$3,NULL) ON CONFLICT DO NOTHING", request.IdentityKey, user, now);
        s.Execute("INSERT INTO devices VALUES($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,0,$11)", request.DeviceKey, id, request.IdentityKey, name, ip, request.Record,
            unchecked((long)request.RecordGeneration), request.Coordinator ? 1L : 0L, request.ProgramVersion, now, request.TokenId);
        if (request.TokenId is long token)
        {
            s.Execute("UPDATE tokens SET uses=uses+1 WHERE id=$1", token);
        }
        IReadOnlyList<AdminRow>? admins = AdminTable.Welcome(s, user, request.IdentityKey) ? AdminTable.All(s) : null;
        return new RegistrationResult(s.Query(Columns + " WHERE device_key=$1", Read, request.DeviceKey)[0], true, true, NextMapNumber(s)) { Admins = admins };
    }

    // Goes round the range, so that an address that was freed is the last to be given out again.
    private long TakeAddress(SqliteSession s, string id, long now)
    {
        s.Execute("DELETE FROM resting_addresses WHERE until<=$1", now);
        if (s.Scalar("SELECT ip FROM resting_addresses WHERE device_id=$1 ORDER BY until DESC", id) is long own)
        {
            s.Execute("DELETE FROM resting_addresses WHERE ip=$1", own);
            return own;
        }
        long next = long.Parse((string)s.Scalar("SELECT value FROM meta WHERE key='next_ip'")!, CultureInfo.InvariantCulture);
        for (uint tried = 0; tried < _range.Count; tried++)
        {
            long index = (next + tried) % _range.Count, ip = _range.FirstValue + index;
            if (s.Scalar("SELECT 1 FROM devices WHERE ip=$1 UNION ALL SELECT 1 FROM resting_addresses WHERE ip=$1", ip) is null)
            {
                s.Execute("UPDATE meta SET value=$1 WHERE key='next_ip'", ((index + 1) % _range.Count).ToString(CultureInfo.InvariantCulture));
                return ip;
            }
        }
        throw new RegistrationRefusedException(ControlErrorCodes.AddressesExhausted,
            $"All {_range.Count} device addresses of {cidr} are taken or were freed less than {options.AddressRest.TotalHours:0} hours ago. Remove devices that are no longer used.");
    }

    internal static long NextMapNumber(SqliteSession s)
    {
        long number = MapNumber(s) + 1;
        s.Execute("UPDATE meta SET value=$1 WHERE key='map_number'", number.ToString(CultureInfo.InvariantCulture));
        return number;
    }

    private DeviceRow Read(SqliteDataReader r)
    {
        byte[] identity = (byte[])r.GetValue(2), bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)r.GetInt64(4));
        IPAddress ip = new(bytes);
        return new DeviceRow
        {
            DeviceKey = (byte[])r.GetValue(0),
            Id = r.GetString(1),
            IdentityKey = identity,
            UserId = PeerId.FromIdentityKey(identity),
            Name = r.GetString(3),
            Ip = ip,
            Ip6 = MeshAddresses.ToIPv6(ula, ip),
            Record = (byte[])r.GetValue(5),
            RecordGeneration = unchecked((ulong)r.GetInt64(6)),
            Coordinator = r.GetInt64(7) != 0,
            ProgramVersion = r.GetString(8),
            Created = r.GetInt64(9),
            LastSeen = r.GetInt64(10),
            TokenId = r.IsDBNull(11) ? null : r.GetInt64(11),
        };
    }
}
