using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace TunnelMesh.Bench.LossyLink;

/// <summary>
/// A long cable that loses packets, for kernels without netem: two TUN devices, and what one machine sends into one comes out of the
/// other after the delay, or not at all. The devices have no offloads, so every packet is a whole one with its checksums. Linux only.
/// One thread, which sleeps until something comes or is due (ppoll, to a few tens of microseconds).
/// </summary>
internal static unsafe partial class LossyLink
{
    private const int ReadWrite = 2, NonBlocking = 0x800, CloseOnExec = 0x80000;
    private const nuint SetInterface = 0x400454CA;
    private const ushort Tun = 0x1, NoPacketInformation = 0x1000;
    private const short PollIn = 1, PollError = 8;
    private const int PacketSize = 2048, Burst = 64;

    // How long the thread may not notice that it is to end.
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    /// <summary>Makes the devices, says so, and works until SIGTERM or SIGINT; then says what became of the packets.</summary>
    /// <param name="options">What the link is like.</param>
    /// <param name="input">A line with a number in it is a new seed: two tunnels can be given the same losses.</param>
    /// <param name="output">Where to say it.</param>
    /// <exception cref="Win32Exception">A device could not be made.</exception>
    public static void Run(LinkOptions options, TextReader input, TextWriter output)
    {
        bool stop = false;
        long seed = long.MinValue;
        using PosixSignalRegistration term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End), interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        void End(PosixSignalContext context)
        {
            context.Cancel = true;
            Volatile.Write(ref stop, true);
        }

        long delay = (long)(options.DelayMilliseconds / 1000 * Stopwatch.Frequency);
        int near = Open(options.Near), far = Open(options.Far);
        DelayLine there = new(options.Queue, PacketSize, options.LossPercent / 100, delay, options.Seed);
        DelayLine back = new(options.Queue, PacketSize, options.LossPercent / 100, delay, options.Seed + 1);
        output.WriteLine($"link {options.Near} {options.Far} is there");
        output.Flush();
        new Thread(() =>
        {
            while (input.ReadLine() is { } line)
            {
                if (int.TryParse(line, CultureInfo.InvariantCulture, out int wanted))
                {
                    Interlocked.Exchange(ref seed, wanted);
                }
            }
        })
        { IsBackground = true }.Start();
        PollFd* fds = stackalloc PollFd[2];
        while (!Volatile.Read(ref stop))
        {
            Wait(fds, near, far, Math.Min(there.NextDue, back.NextDue));
            if (Interlocked.Exchange(ref seed, long.MinValue) is not long.MinValue and var next)
            {
                there.Reseed((int)next);
                back.Reseed((int)next + 1);
            }

            Receive(near, there);
            Receive(far, back);
            Deliver(there, far);
            Deliver(back, near);
        }

        _ = Close(near);
        _ = Close(far);
        output.WriteLine($"{options.Near} to {options.Far}: {Counts(there)}");
        output.WriteLine($"{options.Far} to {options.Near}: {Counts(back)}");
    }

    private static string Counts(DelayLine line) => string.Create(CultureInfo.InvariantCulture, $"{line.Taken} packets, {line.Lost} lost, {line.Overflowed} more than the queue takes");

    private static int Open(string name)
    {
        int fd = Open("/dev/net/tun", ReadWrite | NonBlocking | CloseOnExec);
        byte* request = stackalloc byte[40];
        new Span<byte>(request, 40).Clear();
        System.Text.Encoding.ASCII.GetBytes(name, new Span<byte>(request, 15));
        *(ushort*)(request + 16) = Tun | NoPacketInformation;
        return fd >= 0 && Ioctl(fd, SetInterface, request) == 0 ? fd : throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    private static void Wait(PollFd* fds, int near, int far, long due)
    {
        fds[0] = new PollFd { Fd = near, Events = PollIn };
        fds[1] = new PollFd { Fd = far, Events = PollIn };
        TimeSpan rest = due == long.MaxValue ? Look : Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
        rest = rest < TimeSpan.Zero ? TimeSpan.Zero : rest > Look ? Look : rest;
        long* timeout = stackalloc long[2];
        (timeout[0], timeout[1]) = (0, rest.Ticks * 100);
        _ = Poll(fds, 2, timeout, null);
        if (((fds[0].Returned | fds[1].Returned) & PollError) != 0)
        {
            // A device that is down, as it is while somebody moves it, has nothing to read and always says so.
            Thread.Sleep(1);
        }
    }

    private static void Receive(int fd, DelayLine line)
    {
        for (int i = 0; i < Burst; i++)
        {
            fixed (byte* p = line.Room)
            {
                nint length = Read(fd, p, PacketSize);
                if (length <= 0)
                {
                    return;
                }

                line.Take((int)length, Stopwatch.GetTimestamp());
            }
        }
    }

    private static void Deliver(DelayLine line, int fd)
    {
        long now = Stopwatch.GetTimestamp();
        for (ReadOnlySpan<byte> packet; !(packet = line.Give(now)).IsEmpty;)
        {
            fixed (byte* p = packet)
            {
                _ = Write(fd, p, (nuint)packet.Length);
            }
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd
    {
        public int Fd;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Ioctl(int fd, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "ppoll")]
    private static partial int Poll(PollFd* fds, nuint count, long* timeout, void* signals);

    [LibraryImport("libc", EntryPoint = "read")]
    private static partial nint Read(int fd, void* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(int fd, void* buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int fd);
}
