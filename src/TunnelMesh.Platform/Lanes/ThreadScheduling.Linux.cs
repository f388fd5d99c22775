using System.Buffers.Text;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Lanes;

/// <summary>
/// The thread's schedstat of proc(5), which is "nanoseconds on a processor, nanoseconds waiting for one, how often", and sched_setaffinity(2). A set of processors that somebody else gives
/// the thread while it stays on one is theirs: neither is it widened, nor the thread tied again.
/// </summary>
internal sealed unsafe class LinuxThreadScheduling : ThreadScheduling
{
    // 8192 processors; the kernel refuses a set that is shorter than its own, and cuts one that is longer.
    private const int SetBytes = 1024;

    private readonly SafeFileDescriptor _statistics;
    private readonly byte[] _allowed = new byte[SetBytes];
    private readonly byte[] _kept = new byte[SetBytes];
    private readonly byte[] _found = new byte[SetBytes];

    private LinuxThreadScheduling(SafeFileDescriptor statistics) => _statistics = statistics;

    /// <summary>As <see cref="ThreadScheduling.OfThisThread"/>.</summary>
    public static LinuxThreadScheduling? TryCreate()
    {
        if (Environment.ProcessorCount < 2 || !ProcessorStrength.IsEqual("/sys/devices"))
        {
            return null;
        }

        SafeFileDescriptor statistics = LinuxNative.Open("/proc/thread-self/schedstat", LinuxNative.OCloExec, 0);
        var made = new LinuxThreadScheduling(statistics);
        // Where nothing is counted everything reads 0, so that the thread never seems busy.
        if (!statistics.IsInvalid && made.TryGetTimes(out _, out _))
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
        int processor = LinuxNative.CurrentProcessor();
        if (processor is < 0 or >= SetBytes * 8 || !TryRead(_allowed))
        {
            return null;
        }

        Array.Clear(_kept);
        _kept[processor / 8] = (byte)(1 << (processor % 8));
        // One processor is what somebody chose.
        return !_kept.AsSpan().SequenceEqual(_allowed) && TrySet(_kept) ? processor : null;
    }

    /// <inheritdoc/>
    public override bool Roam() => TryRead(_found) && _found.AsSpan().SequenceEqual(_kept) && TrySet(_allowed);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _statistics.Dispose();

    private static bool TryRead(byte[] set)
    {
        Array.Clear(set);
        fixed (byte* start = set)
        {
            return LinuxNative.GetAffinity(0, SetBytes, start) == 0;
        }
    }

    private static bool TrySet(byte[] set)
    {
        fixed (byte* start = set)
        {
            return LinuxNative.SetAffinity(0, SetBytes, start) == 0;
        }
    }
}
