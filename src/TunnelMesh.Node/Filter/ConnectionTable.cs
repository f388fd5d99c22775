using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace TunnelMesh.Node.Filter;

/// <summary>
/// The flows that pass because of who began them. A fixed number of buckets of eight; a look-up reads the eight tags of one bucket at once and mostly one entry, waits for nobody and
/// writes nothing. Whoever changes a bucket takes it by one compare-and-swap of its version, which is odd meanwhile: readers that saw it change look again (a sequence lock). Nobody waits
/// without bound: who cannot get a bucket goes without, and the flow's next packet tries again. Nothing is allocated after construction; any thread.
/// With many flows the memory that a look-up waits for is what it costs: that is one line of the cache for the bucket, and one for the entry.
/// </summary>
/// <remarks>
/// A full bucket takes a new flow in place of one that has ended by its time, else of one of the device that has most places in it; and there of one that is easy to begin anew before one that is not, the
/// quietest first. A device that has its share of all entries pushes out its own only. Places are drawn by a secret, so that nobody can aim at another's bucket.
/// </remarks>
internal sealed class ConnectionTable
{
    private const int Ways = 8, Buckets = ConnectionLimits.All / Ways;
    private const int Patience = 64, ShedBuckets = 64;

    private readonly FlowSecret _secret;
    private readonly ConnectionLimits _limits;
    private readonly long _refresh;
    private readonly CacheLines<Bucket> _buckets = new(Buckets);
    private readonly CacheLines<Entry> _entries = new(ConnectionLimits.All);
    private readonly FilterPeer?[] _owners = new FilterPeer?[ConnectionLimits.All];
    private long _pushedOut;

    /// <summary>Makes an empty table.</summary>
    /// <param name="secret">Decides where flows lie.</param>
    /// <param name="second">Timestamp units in a second.</param>
    public ConnectionTable(FlowSecret secret, long second)
    {
        (_secret, _refresh, _limits) = (secret, second, new ConnectionLimits(second));
    }

    /// <summary>Connections that gave way before their time.</summary>
    public long PushedOut => Interlocked.Read(ref _pushedOut);

    /// <summary>How long what is kept may be silent.</summary>
    public ConnectionLimits Limits => _limits;

    /// <summary>Whether the processor can be told to fetch memory ahead: not on Arm64, for which the framework has no such instruction.</summary>
    public static bool CanFetch => Sse.IsSupported;

    /// <summary>Where a flow would lie, and has the processor fetch the bucket meanwhile.</summary>
    /// <returns>Nowhere in particular without <see cref="CanFetch"/>.</returns>
    public unsafe FlowPlace Expect(in FlowKey key)
    {
        if (!CanFetch)
        {
            return default;
        }

        ulong hash = key.Hash(_secret);
        FlowPlace place = new(BucketOf(hash), TagOf(hash));
        Sse.Prefetch0(Unsafe.AsPointer(ref _buckets[place.Bucket]));
        return place;
    }

    /// <summary>Has the processor fetch the entry that a look-up would read, from a bucket that is there by now. Decides nothing.</summary>
    public unsafe void Fetch(FlowPlace place)
    {
        if (!CanFetch)
        {
            return;
        }

        uint hits = Vector128.Equals(_buckets[place.Bucket].Tags, Vector128.Create(place.Tag)).ExtractMostSignificantBits();
        if (hits != 0)
        {
            Sse.Prefetch0(Unsafe.AsPointer(ref _entries[(place.Bucket * Ways) + BitOperations.TrailingZeroCount(hits)]));
        }
    }

    /// <summary>Looks a flow up.</summary>
    /// <param name="key">The flow.</param>
    /// <param name="owner">The device at its other end.</param>
    /// <param name="now">Timestamp.</param>
    /// <param name="found">The connection, when the answer is true.</param>
    /// <returns>False when there is none of that device, or it has ended by its time.</returns>
    public bool TryFind(in FlowKey key, FilterPeer owner, long now, out FoundConnection found)
    {
        ulong hash = key.Hash(_secret);
        int bucket = BucketOf(hash);
        Vector128<ushort> tag = Vector128.Create(TagOf(hash));
        for (int i = 0; i < Patience; i++)
        {
            int version = Volatile.Read(ref _buckets[bucket].Version);
            if ((version & 1) != 0)
            {
                Thread.SpinWait(1);
                continue;
            }

            bool any = TryScan(bucket, tag, key, owner, now, out found);
            Volatile.ReadBarrier();
            if (_buckets[bucket].Version == version)
            {
                return any;
            }
        }

        found = default;
        return false;
    }

    /// <summary>Notes a packet of a connection. Written about once a second, so that lanes do not take the line from each other.</summary>
    public void Touch(in FoundConnection found, long now)
    {
        if (now - found.LastSeen >= _refresh)
        {
            Volatile.Write(ref _entries[found.Index].LastSeen, now);
        }
    }

    /// <summary>Begins a connection, or begins it anew.</summary>
    /// <param name="key">The flow.</param>
    /// <param name="owner">The device at its other end.</param>
    /// <param name="flags">Who began it.</param>
    /// <param name="now">Timestamp.</param>
    /// <returns>False when there was no room, or another thread was in the way.</returns>
    public bool TryBegin(in FlowKey key, FilterPeer owner, ConnectionFlags flags, long now)
    {
        ulong hash = key.Hash(_secret);
        int bucket = BucketOf(hash);
        ushort tag = TagOf(hash);
        if (owner.Connections >= ConnectionLimits.OfPeer && !HasOwn(bucket, owner) && !TryShed(bucket, owner, now))
        {
            return false;
        }

        if (!TryTake(bucket))
        {
            return false;
        }

        int place = PlaceFor(bucket, tag, key, owner, now);
        if (place >= 0)
        {
            _owners[place]?.CountConnection(-1);
            owner.CountConnection(1);
            _owners[place] = owner;
            _entries[place] = new Entry { Local = key.Local, Remote = key.Remote, Ports = key.Ports, Protocol = key.Protocol, Flags = flags, LastSeen = now, Owner = owner.Number };
            SetTag(bucket, place, tag);
        }

        Release(bucket);
        return place >= 0;
    }

    /// <summary>Notes that a connection has come further.</summary>
    /// <param name="key">The flow.</param>
    /// <param name="owner">The device at its other end.</param>
    /// <param name="flags">What is added.</param>
    /// <param name="now">Timestamp.</param>
    public void Advance(in FlowKey key, FilterPeer owner, ConnectionFlags flags, long now)
    {
        ulong hash = key.Hash(_secret);
        int bucket = BucketOf(hash);
        if (!TryTake(bucket))
        {
            return;
        }

        if (TryScan(bucket, Vector128.Create(TagOf(hash)), key, owner, now, out FoundConnection found))
        {
            ref Entry entry = ref _entries[found.Index];
            entry.Flags |= flags;
            entry.LastSeen = now;
        }

        Release(bucket);
    }

    /// <summary>Gives the places of connections free that have ended by their time. Any thread, now and then; look-ups do not depend on it.</summary>
    public void Sweep(long now)
    {
        for (int bucket = 0; bucket < Buckets; bucket++)
        {
            if (_buckets[bucket].Tags == Vector128<ushort>.Zero || !TryTake(bucket))
            {
                continue;
            }

            for (int place = bucket * Ways; place < (bucket + 1) * Ways; place++)
            {
                if (_owners[place] is not null && HasEnded(_entries[place], now))
                {
                    Clear(bucket, place);
                }
            }

            Release(bucket);
        }
    }

    private static int BucketOf(ulong hash) => (int)(hash % Buckets);

    // Zero is an empty place.
    private static ushort TagOf(ulong hash) => (ushort)((hash >> 48) | 1);

    private bool HasEnded(in Entry entry, long now) => now - entry.LastSeen > _limits.Of(entry.Protocol, entry.Flags);

    private bool TryScan(int bucket, Vector128<ushort> tag, in FlowKey key, FilterPeer owner, long now, out FoundConnection found)
    {
        uint hits = Vector128.Equals(_buckets[bucket].Tags, tag).ExtractMostSignificantBits();
        for (; hits != 0; hits &= hits - 1)
        {
            int place = (bucket * Ways) + BitOperations.TrailingZeroCount(hits);
            ref readonly Entry entry = ref _entries[place];
            if (entry.Is(key) && entry.Owner == owner.Number && !HasEnded(entry, now))
            {
                found = new FoundConnection(place, entry.Flags, entry.LastSeen);
                return true;
            }
        }

        found = default;
        return false;
    }

    private bool TryTake(int bucket)
    {
        for (int i = 0; i < Patience; i++)
        {
            ref int shared = ref _buckets[bucket].Version;
            int version = Volatile.Read(ref shared);
            if ((version & 1) == 0 && Interlocked.CompareExchange(ref shared, version + 1, version) == version)
            {
                return true;
            }

            Thread.SpinWait(1);
        }

        return false;
    }

    private void Release(int bucket)
    {
        ref int version = ref _buckets[bucket].Version;
        Volatile.Write(ref version, version + 1);
    }

    private void SetTag(int bucket, int place, ushort tag)
    {
        ref Bucket of = ref _buckets[bucket];
        of.Tags = of.Tags.WithElement(place % Ways, tag);
    }

    private void Clear(int bucket, int place)
    {
        _owners[place]!.CountConnection(-1);
        _owners[place] = null;
        SetTag(bucket, place, 0);
    }

    /// <summary>The place for a new flow; whoever has it gives way. The bucket is taken.</summary>
    private int PlaceFor(int bucket, ushort tag, in FlowKey key, FilterPeer owner, long now)
    {
        int free = -1, given = -1, most = 0;
        bool full = owner.Connections >= ConnectionLimits.OfPeer;
        ReadOnlySpan<FilterPeer?> holders = _owners.AsSpan(bucket * Ways, Ways);
        for (int place = bucket * Ways; place < (bucket + 1) * Ways; place++)
        {
            if (_owners[place] is not { } holder)
            {
                free = free < 0 ? place : free;
                continue;
            }

            ref readonly Entry entry = ref _entries[place];
            if (_buckets[bucket].Tags.GetElement(place % Ways) == tag && entry.Is(key))
            {
                return place;
            }

            if (HasEnded(entry, now))
            {
                free = free < 0 ? place : free;
            }

            // A device that has its share takes no place of others; its own counts as one more, so that of equals it gives.
            bool own = ReferenceEquals(holder, owner);
            int places = full && !own ? 0 : (2 * holders.Count(holder)) + (own ? 1 : 0);
            if (places > most || (places > 0 && places == most && GivesWay(entry, _entries[given])))
            {
                (given, most) = (place, places);
            }
        }

        if (free >= 0 && (!full || ReferenceEquals(_owners[free], owner)))
        {
            return free;
        }

        if (given >= 0)
        {
            NotePushedOut(given, now);
        }

        return given;
    }

    private void NotePushedOut(int place, long now)
    {
        Interlocked.Increment(ref _pushedOut);
        if ((_entries[place].Flags & ConnectionFlags.Ours) == 0)
        {
            _owners[place]!.NotePushedOut(now + _limits.Udp);
        }
    }

    private static bool GivesWay(in Entry entry, in Entry before) =>
        entry.IsOpenTcp != before.IsOpenTcp ? !entry.IsOpenTcp : entry.LastSeen < before.LastSeen;

    private bool HasOwn(int bucket, FilterPeer owner) => _owners.AsSpan(bucket * Ways, Ways).IndexOf(owner) >= 0;

    /// <summary>A device that has its share makes room in some other bucket: it has two places in each on average.</summary>
    private bool TryShed(int near, FilterPeer owner, long now)
    {
        for (int i = 1; i <= ShedBuckets; i++)
        {
            int bucket = (near + (i * 127)) % Buckets;
            if (!HasOwn(bucket, owner) || !TryTake(bucket))
            {
                continue;
            }

            int given = -1;
            for (int place = bucket * Ways; place < (bucket + 1) * Ways; place++)
            {
                given = ReferenceEquals(_owners[place], owner) && (given < 0 || GivesWay(_entries[place], _entries[given])) ? place : given;
            }

            if (given >= 0)
            {
                NotePushedOut(given, now);
                Clear(bucket, given);
            }

            Release(bucket);
            if (given >= 0)
            {
                return true;
            }
        }

        return false;
    }

    [StructLayout(LayoutKind.Sequential, Size = 32)]
    private struct Bucket
    {
        public Vector128<ushort> Tags;
        public int Version;
    }

    [StructLayout(LayoutKind.Sequential, Size = 64)]
    private struct Entry
    {
        public UInt128 Local, Remote;
        public long LastSeen;
        public long Owner;
        public uint Ports;
        public byte Protocol;
        public ConnectionFlags Flags;

        public readonly bool IsOpenTcp =>
            (Flags & (ConnectionFlags.Answered | ConnectionFlags.FinSent | ConnectionFlags.FinReceived | ConnectionFlags.Reset)) == ConnectionFlags.Answered;

        public readonly bool Is(in FlowKey key) => Ports == key.Ports && Remote == key.Remote && Local == key.Local && Protocol == key.Protocol;
    }
}
