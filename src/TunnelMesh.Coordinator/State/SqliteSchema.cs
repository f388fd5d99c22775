using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using Microsoft.Data.Sqlite;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Protocol.Addressing;

namespace TunnelMesh.Coordinator.State;

/// <summary>Makes, checks and migrates the database file.</summary>
internal static class SqliteSchema
{
    // "TMSH": tells our file from another program's.
    private const long ApplicationId = 0x544d5348;

    // https://www.sqlite.org/fileformat2.html section 1.3
    private const int HeaderBytes = 100, ApplicationIdOffset = 68;
    private const int NotADatabase = 26, Corrupt = 11, Busy = 5, Locked = 6;

    private static ReadOnlySpan<byte> Magic => "SQLite format 3\0"u8;

    // Entry n brings version n to n + 1. Entries are only ever added.
    private static readonly string[] Migrations =
    [
        """
        CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE users(identity_key BLOB PRIMARY KEY, id TEXT NOT NULL, created INTEGER NOT NULL, revoked INTEGER) STRICT, WITHOUT ROWID;
        CREATE TABLE tokens(id INTEGER PRIMARY KEY AUTOINCREMENT, secret TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, expires INTEGER,
            uses INTEGER NOT NULL DEFAULT 0, max_uses INTEGER, withdrawn INTEGER NOT NULL DEFAULT 0) STRICT;
        CREATE TABLE devices(device_key BLOB PRIMARY KEY, id TEXT NOT NULL UNIQUE, identity_key BLOB NOT NULL REFERENCES users(identity_key),
            name TEXT NOT NULL UNIQUE, ip INTEGER NOT NULL UNIQUE, record BLOB NOT NULL, generation INTEGER NOT NULL,
            coordinator INTEGER NOT NULL, program_version TEXT NOT NULL, created INTEGER NOT NULL, last_seen INTEGER NOT NULL DEFAULT 0,
            token_id INTEGER REFERENCES tokens(id)) STRICT, WITHOUT ROWID;
        CREATE INDEX devices_of_user ON devices(identity_key);
        CREATE TABLE revoked_devices(id TEXT PRIMARY KEY, revoked INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE resting_addresses(ip INTEGER PRIMARY KEY, device_id TEXT NOT NULL, until INTEGER NOT NULL) STRICT;
        CREATE INDEX resting_of_device ON resting_addresses(device_id);
        """,
        """
        CREATE TABLE transport_orders(device_id TEXT NOT NULL REFERENCES devices(id) ON DELETE CASCADE, other_id TEXT REFERENCES devices(id) ON DELETE CASCADE,
            transports TEXT NOT NULL, number INTEGER NOT NULL) STRICT;
        CREATE UNIQUE INDEX transport_order ON transport_orders(device_id, coalesce(other_id, ''));
        CREATE INDEX transport_orders_of_other ON transport_orders(other_id);
        """,
        """
        CREATE TABLE aliases(alias TEXT PRIMARY KEY, device_id TEXT NOT NULL REFERENCES devices(id)) STRICT, WITHOUT ROWID;
        CREATE INDEX aliases_of_device ON aliases(device_id);
        """,
        """
        CREATE TABLE user_groups(name TEXT PRIMARY KEY, created INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE group_members(group_name TEXT NOT NULL REFERENCES user_groups(name) ON DELETE CASCADE, identity_key BLOB NOT NULL REFERENCES users(identity_key),
            added INTEGER NOT NULL, PRIMARY KEY(group_name, identity_key)) STRICT, WITHOUT ROWID;
        CREATE INDEX groups_of_user ON group_members(identity_key);
        """,
        """
        CREATE TABLE admin_entries(entry TEXT PRIMARY KEY, added INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        CREATE TABLE admin_users(entry TEXT NOT NULL REFERENCES admin_entries(entry) ON DELETE CASCADE, identity_key BLOB NOT NULL REFERENCES users(identity_key),
            PRIMARY KEY(entry, identity_key)) STRICT, WITHOUT ROWID;
        CREATE INDEX admin_entries_of_user ON admin_users(identity_key);
        DELETE FROM users WHERE revoked IS NULL AND NOT EXISTS(SELECT 1 FROM devices WHERE devices.identity_key=users.identity_key)
            AND NOT EXISTS(SELECT 1 FROM group_members WHERE group_members.identity_key=users.identity_key);
        """,
    ];

    /// <summary>An open, checked, migrated session with exclusive hold of the file.</summary>
    internal static SqliteSession Open(SqliteStateOptions options, IPNetwork cidr)
    {
        string file = options.File;
        OwnFiles.MakeDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        if (!File.Exists(file))
        {
            if (File.Exists(file + "-wal"))
            {
                throw new CoordinatorStateException(StateProblem.Damaged, $"{file} is missing, but {file}-wal beside it holds changes of it. Restore both from a backup; nothing was changed.");
            }
            Create(options, cidr);
        }
        SqliteSession? session = null;
        try
        {
            if (new FileInfo(file).Length == 0)
            {
                throw new CoordinatorStateException(StateProblem.Damaged, $"{file} is empty and was left as it is. Restore it from a backup, or remove it to found a new mesh, which every peer must then join again.");
            }
            RefuseForeign(file);
            session = new SqliteSession(file, create: false);
            // What is refused stays as it is: neither its log is folded in when the session closes, nor is a shared index made beside it.
            session.KeepLog(true);
            session.Execute("PRAGMA locking_mode=EXCLUSIVE");
            Check(session, file);
            session.KeepLog(false);
            Protect(file);
            session.Execute("PRAGMA journal_mode=WAL");
            session.Execute("PRAGMA synchronous=FULL");
            session.Execute("PRAGMA foreign_keys=ON");
            if (options.MaxBytes > 0)
            {
                long pages = Math.Max(1, options.MaxBytes / session.Number("PRAGMA page_size"));
                session.Execute("PRAGMA max_page_count=" + pages.ToString(CultureInfo.InvariantCulture));
            }
            Migrate(session);
            string stored = (string)session.Scalar("SELECT value FROM meta WHERE key='cidr'")!;
            if (stored != cidr.ToString())
            {
                throw new CoordinatorStateException(StateProblem.OtherSettings, $"The mesh in {file} uses {stored}, but {cidr} is configured. Devices keep their addresses, so set the range back to {stored}.");
            }
            return session;
        }
        catch (SqliteException e)
        {
            session?.Dispose();
            throw Explain(file, e);
        }
        catch
        {
            session?.Dispose();
            throw;
        }
    }

    private static CoordinatorStateException Explain(string file, SqliteException e) => e.SqliteErrorCode switch
    {
        NotADatabase or Corrupt => Damaged(file, e.Message, e),
        Busy or Locked => new CoordinatorStateException(StateProblem.InUse, $"{file} is in use by another program, probably a coordinator that runs already. Stop it first.", e),
        _ => new CoordinatorStateException(StateProblem.Unusable, $"{file} cannot be opened: {e.Message} Check that the disk has room and that this user may write the file.", e),
    };

    private static CoordinatorStateException Damaged(string file, string how, Exception? e = null) =>
        new(StateProblem.Damaged, $"{file} is damaged ({how}) and was left as it is. Restore it from a backup together with its -wal file, if there is one.", e);

    private static CoordinatorStateException Foreign(string file) =>
        new(StateProblem.Damaged, $"{file} is a database of another program and was left as it is. Name another file for the coordinator's state.");

    // Opening another program's database would already replay or fold in what lies beside it.
    private static void RefuseForeign(string file)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        using FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (stream.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) == HeaderBytes && header.StartsWith(Magic) &&
            BinaryPrimitives.ReadUInt32BigEndian(header[ApplicationIdOffset..]) != ApplicationId)
        {
            throw Foreign(file);
        }
    }

    private static void Check(SqliteSession session, string file)
    {
        long application = session.Number("PRAGMA application_id"), version = session.Number("PRAGMA user_version");
        if (application != ApplicationId)
        {
            throw Foreign(file);
        }
        if (version > Migrations.Length)
        {
            throw new CoordinatorStateException(StateProblem.Newer, $"{file} has schema version {version}, but this program knows only up to {Migrations.Length}. Run the newer TunnelMesh that wrote it.");
        }
        string health = session.Scalar("PRAGMA quick_check(1)") as string ?? "no answer";
        if (health != "ok")
        {
            throw Damaged(file, health.ReplaceLineEndings(" "));
        }
    }

    // Under another name until complete, so that a crash never leaves half a database that looks like a lost one.
    private static void Create(SqliteStateOptions options, IPNetwork cidr)
    {
        string temporary = options.File + ".new";
        File.Delete(temporary);
        File.Delete(temporary + "-journal");
        OwnFiles.Create(temporary).Dispose();
        try
        {
            using SqliteSession session = new(temporary, create: false);
            session.Execute("PRAGMA application_id=" + ApplicationId.ToString(CultureInfo.InvariantCulture));
            session.Execute("PRAGMA synchronous=FULL");
            Migrate(session);
            Span<byte> epoch = stackalloc byte[8];
            options.Random(epoch);
            session.Execute("INSERT INTO meta VALUES('mesh_id',$1),('epoch',$2),('cidr',$3),('map_number','0'),('next_ip','0')",
                MeshAddresses.NewMeshId(options.Random), Convert.ToHexStringLower(epoch), cidr.ToString());
        }
        catch (SqliteException e)
        {
            throw Explain(temporary, e);
        }
        File.Move(temporary, options.File, overwrite: false);
    }

    private static void Migrate(SqliteSession session)
    {
        for (long version = session.Number("PRAGMA user_version"); version < Migrations.Length; version++)
        {
            session.Execute("BEGIN IMMEDIATE");
            session.Execute(Migrations[version]);
            session.Execute("PRAGMA user_version=" + (version + 1).ToString(CultureInfo.InvariantCulture));
            session.Execute("COMMIT");
        }
    }

    private static void Protect(string file)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
    }
}
