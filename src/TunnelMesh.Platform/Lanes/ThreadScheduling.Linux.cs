using System.Buffers.Text;
using System.Globalization;
using TunnelMesh.Platform.Files;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Lanes;

/// <summary>
/// The thread's schedstat of proc(5), which is "nanoseconds on a processor, nanoseconds waiting for one, how often", and sched_setaffinity(2). A set of processors that somebody else gives
/// the thread while it stays on one is theirs: neither is it widened, nor the thread tied again. The kernel keeps to a cpuset(7) in any case, and remembers what a thread asked for
/// (since 6.2): so one that nobody had restricted asks for all processors, not for those it had, when it roams.
/// </summary>
internal sealed unsafe class LinuxThreadScheduling : ThreadScheduling
{
    // 8192 processors; the kernel refuses a set that is shorter than its own, and cuts one that is longer.
    private const int SetBytes = 1024;

    // Heirs of heirs may begin threads while they are freed.
    private const int MaxPasses = 8;

    private static readonly Lock Gate = new();

    // The threads of this process that stay somewhere by their own will, and are no heirs. Guarded by the gate.
    private static readonly HashSet<int> Staying = [];

    // Those of which somebody else has said where they run. Guarded by the gate.
    private static readonly HashSet<int> Given = [];

    private static readonly Lazy<bool> AreEqual = new(() => ProcessorStrength.IsEqual("/sys/devices"));
    private static readonly byte[] All = [.. Enumerable.Repeat(byte.MaxValue, SetBytes)];

    private readonly SafeFileDescriptor _statistics;
    private readonly int _thread;
    private readonly byte[] _free = new byte[SetBytes];
    private readonly byte[] _kept = new byte[SetBytes];
    private readonly byte[] _found = new byte[SetBytes];
    private readonly byte[] _widest = new byte[SetBytes];

    private LinuxThreadScheduling(SafeFileDescriptor statistics, int thread) => (_statistics, _thread) = (statistics, thread);

    /// <summary>As <see cref="ThreadScheduling.OfThisThread"/>.</summary>
    public static LinuxThreadScheduling? TryCreate()
    {
        // With the /proc of another PID namespace its threads would be others than those that can be named to the kernel.
        if (Environment.ProcessorCount < 2 || !AreEqual.Value || ThreadId() is not { } thread || thread != NameInProc())
        {
            return null;
        }

        var made = new LinuxThreadScheduling(LinuxNative.Open("/proc/thread-self/schedstat", LinuxNative.OCloExec, 0), thread);
        // Where nothing is counted everything reads 0, so that the thread never seems busy.
        if (!made._statistics.IsInvalid && made.TryGetTimes(out _, out _))
        {
            return made;
        }

        made.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public override bool TryGetTimes(out TimeSpan ran, out TimeSpan waited)
    {
        Span<byte> text = stackalloc byte[80];
        nint length;
        fixed (byte* start = text)
        {
            length = LinuxNative.PRead(_statistics, start, (nuint)text.Length, 0);
        }

        (ran, waited) = (default, default);
        if (length <= 0 || !Utf8Parser.TryParse(text, out long running, out int digits) || !Utf8Parser.TryParse(text[(digits + 1)..], out long waiting, out _))
        {
            return false;
        }

        (ran, waited) = (TimeSpan.FromTicks(running / TimeSpan.NanosecondsPerTick), TimeSpan.FromTicks(waiting / TimeSpan.NanosecondsPerTick));
        return true;
    }

    /// <inheritdoc/>
    public override int? Stay()
    {
        lock (Gate)
        {
            int processor = LinuxNative.CurrentProcessor();
            if (processor is < 0 or >= SetBytes * 8 || !TryRead(0, _found))
            {
                return null;
            }

            Array.Clear(_kept);
            _kept[processor / 8] = (byte)(1 << (processor % 8));
            // One processor is what somebody chose.
            if (_kept.AsSpan().SequenceEqual(_found))
            {
                Given.Add(_thread);
                return null;
            }

            // Where asking for all gives no more than before, nobody chose anything.
            if (!TrySet(0, All) || !TryRead(0, _widest))
            {
                TrySet(0, _found);
                return null;
            }

            (_widest.AsSpan().SequenceEqual(_found) ? All : _found).CopyTo(_free, 0);
            Staying.Add(_thread);
            if (TrySet(0, _kept))
            {
                return processor;
            }

            Staying.Remove(_thread);
            TrySet(0, _free);
            return null;
        }
    }

    /// <inheritdoc/>
    public override bool Roam()
    {
        lock (Gate)
        {
            Staying.Remove(_thread);
            if (!TryRead(0, _found))
            {
                TrySet(0, _free);
                return false;
            }

            // A set that is as wide as can be is the cpuset's, or the kernel's when the processor went away: nobody has chosen it for this thread.
            bool chosen = (!_found.AsSpan().SequenceEqual(_kept) || IsProcessKept()) && TrySet(0, All) && TryRead(0, _widest) && !_widest.AsSpan().SequenceEqual(_found);
            if (chosen)
            {
                Given.Add(_thread);
            }

            return TrySet(0, chosen ? _found : _free) && !chosen;
        }
    }

    /// <inheritdoc/>
    public override void FreeHeirs()
    {
        // A lane that does the same just now may have lost its processor meanwhile; this one tries again later.
        if (!Gate.TryEnter())
        {
            return;
        }

        try
        {
            for (int pass = 0; pass < MaxPasses && !IsProcessKept() && FreeOnce(); pass++)
            {
            }
        }
        finally
        {
            Gate.Exit();
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        lock (Gate)
        {
            if (disposing && Staying.Contains(_thread))
            {
                Roam();
                FreeHeirs();
            }

            Given.Remove(_thread);
        }

        _statistics.Dispose();
    }

    // Whether the first thread, which no lane begins, may run there only: then somebody said so of the whole process.
    private bool IsProcessKept() => TryRead(Environment.ProcessId, _widest) && _widest.AsSpan().SequenceEqual(_kept);

    // True when there was one. A single thread that an administrator gives just this processor looks the same.
    private bool FreeOnce()
    {
        nint threads = LinuxNative.OpenDirectory("/proc/self/task");
        if (threads == 0)
        {
            return false;
        }

        bool any = false;
        for (byte* entry; (entry = (byte*)LinuxNative.ReadDirectory(threads)) is not null;)
        {
            var name = new ReadOnlySpan<byte>(entry + LinuxNative.DirectoryEntryName, LinuxNative.MaxThreadDigits);
            // A thread that has ended meanwhile has no set.
            if (Utf8Parser.TryParse(name, out int thread, out _) && !Staying.Contains(thread) && !Given.Contains(thread) && TryRead(thread, _found) && _found.AsSpan().SequenceEqual(_kept))
            {
                any |= TrySet(thread, _free);
            }
        }

        _ = LinuxNative.CloseDirectory(threads);
        return any;
    }

    private static int? ThreadId()
    {
        try
        {
            return LinuxNative.ThreadId();
        }
        catch (EntryPointNotFoundException)
        {
            // A C library from before 2019.
            return null;
        }
    }

    // The link leads to PROCESS/task/THREAD.
    private static int? NameInProc() =>
        int.TryParse(Path.GetFileName(ProcLink.Target("/proc/thread-self")), NumberStyles.None, CultureInfo.InvariantCulture, out int thread) ? thread : null;

    private static bool TryRead(int thread, byte[] set)
    {
        Array.Clear(set);
        fixed (byte* start = set)
        {
            return LinuxNative.GetAffinity(thread, SetBytes, start) == 0;
        }
    }

    private static bool TrySet(int thread, byte[] set)
    {
        fixed (byte* start = set)
        {
            return LinuxNative.SetAffinity(thread, SetBytes, start) == 0;
        }
    }
}
