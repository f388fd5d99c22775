using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using TunnelMesh.Node.Dns;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Bench;

/// <summary>The resolver with 10,000 names: what one answer costs, and how many leave a socket of the machine, with the time each took as its asker sees it.</summary>
internal static class DnsAnswers
{
    private const int Names = 10_000, Window = 32, PacedRate = 50_000;
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(2);

    public static async Task RunAsync(int rounds, TextWriter output)
    {
        DnsResponder responder = new(300, TimeProvider.System);
        DnsHost[] hosts = [.. Enumerable.Range(1, Names).Select(i => new DnsHost($"host-{i}", [], Address(i), IPAddress.Parse($"fd12:3456:789a::a2a:{i:x}"), i == 1))];
        Stopwatch building = Stopwatch.StartNew();
        responder.Zone = DnsZone.Build(hosts, [IPNetwork.Parse("10.42.0.0/16"), IPNetwork.Parse("fd12:3456:789a::/48")], 1, 10, []);
        output.WriteLine($"{Names} names: a zone is built in {building.Elapsed.TotalMilliseconds:F1} ms the first time");
        byte[][] queries = [.. Enumerable.Range(1, Names).Select(i => Query($"host-{i}.tunnelmesh", (ushort)i))];
        Answering(responder, queries, rounds, output);

        await using DnsServer server = new(responder, new DnsForwarder(), TimeProvider.System);
        IPEndPoint endpoint = server.Listen(new IPEndPoint(IPAddress.Loopback, 0));
        _ = Asking(endpoint, queries);
        Samples asked = new(), paced = new();
        for (int round = 1; round <= rounds; round++)
        {
            Print($"round {round}", asked.Add(Asking(endpoint, queries)), "by server and asker together", output);
        }
        for (int round = 1; round <= rounds; round++)
        {
            Print($"paced, round {round}, {PacedRate}/s asked for", paced.Add(Pacing(endpoint, queries)), "together, the asker spinning", output);
        }
        output.WriteLine($"median of {rounds}: {asked.Median(m => m.Rate):F0} answers/s, p99 {asked.Median(m => m.Tail):F0} us, with {Window} on the way and the asker on the same machine");
    }

    /// <summary>Asks a resolver that is another process for the names that <see cref="FullMap"/> has given it, as many at once as ever, or a fixed number each second. One line: answers a second, microseconds in the middle and at p99, lost, percents of a processor that the other process used.</summary>
    /// <param name="server">The resolver.</param>
    /// <param name="process">The resolver's process.</param>
    /// <param name="names">How many names.</param>
    /// <param name="paced">At a fixed rate.</param>
    /// <param name="output">Where the line goes.</param>
    /// <exception cref="InvalidOperationException">An answer has no address.</exception>
    public static void Ask(IPEndPoint server, int process, int names, bool paced, TextWriter output)
    {
        byte[][] queries = [.. Enumerable.Range(1, names).Select(i => Query($"{FullMap.NameOf(i)}.tunnelmesh", (ushort)i))];
        // The asker compiles what it runs.
        _ = Asking(server, queries);
        using Process resolver = Process.GetProcessById(process);
        TimeSpan used = resolver.TotalProcessorTime;
        long began = Stopwatch.GetTimestamp();
        Measured m = paced ? Pacing(server, queries) : Asking(server, queries);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(began);
        resolver.Refresh();
        output.WriteLine(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{m.Rate:F0} {m.Median:F0} {m.Tail:F0} {m.Lost} {100 * (resolver.TotalProcessorTime - used) / elapsed:F0}"));
    }

    private static void Print(string round, Measured m, string whose, TextWriter output) =>
        output.WriteLine($"{round}: {m.Rate:F0} answers/s over UDP, {m.Median:F0} us in the middle, p99 {m.Tail:F0} us, {m.Lost} lost, {m.Busy:F2} processors {whose}");

    private readonly record struct Measured(double Rate, double Median, double Tail, long Lost, double Busy)
    {
        public static Measured Of(List<double> times, TimeSpan elapsed, long lost, TimeSpan used)
        {
            times.Sort();
            return times.Count == 0 ? throw new InvalidOperationException("nobody answers there")
                : new Measured(times.Count / elapsed.TotalSeconds, times[times.Count / 2], times[(int)(times.Count * 0.99)], lost, used / elapsed);
        }
    }

    private sealed class Samples
    {
        private readonly List<Measured> _all = [];

        public Measured Add(Measured one)
        {
            _all.Add(one);
            return one;
        }

        public double Median(Func<Measured, double> what) => _all.Select(what).Order().ElementAt(_all.Count / 2);
    }

    private static void Check(byte[] answer)
    {
        if (answer[7] != 1)
        {
            throw new InvalidOperationException($"an answer has {answer[7]} addresses, and code {answer[3] & 0xF}");
        }
    }

    private static void Answering(DnsResponder responder, byte[][] queries, int rounds, TextWriter output)
    {
        byte[] answer = new byte[DnsResponder.MaxUdp];
        DnsSource own = DnsSource.Of(IPAddress.Loopback);
        List<double> costs = [];
        for (int round = 0; round <= rounds; round++)
        {
            Stopwatch clock = Stopwatch.StartNew();
            long count = 0;
            for (; clock.Elapsed < Round; count += queries.Length)
            {
                foreach (byte[] query in queries)
                {
                    if (responder.Answer(query, own, false, answer, out _) != DnsVerdict.Answer || answer[7] != 1)
                    {
                        throw new InvalidOperationException("no answer");
                    }
                }
            }
            if (round > 0)
            {
                costs.Add(clock.Elapsed.TotalNanoseconds / count);
            }
        }
        costs.Sort();
        output.WriteLine($"median of {rounds}: {costs[rounds / 2]:F0} ns from query to answer on one thread, without sockets");
    }

    private static Measured Asking(IPEndPoint server, byte[][] queries)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 200, ReceiveBufferSize = 1 << 20 };
        socket.Connect(server);
        long[] sent = new long[ushort.MaxValue + 1];
        List<double> times = new(1 << 20);
        byte[] answer = new byte[DnsResponder.MaxUdp];
        long began = Stopwatch.GetTimestamp(), lost = 0;
        TimeSpan busy = Environment.CpuUsage.TotalTime;
        int next = 0, waiting = 0;
        while (Stopwatch.GetElapsedTime(began) < Round)
        {
            for (; waiting < Window; waiting++)
            {
                byte[] query = queries[next];
                next = (next + 1) % queries.Length;
                sent[BinaryPrimitives.ReadUInt16BigEndian(query)] = Stopwatch.GetTimestamp();
                socket.Send(query);
            }
            try
            {
                socket.Receive(answer);
                Check(answer);
                waiting--;
                times.Add(Stopwatch.GetElapsedTime(sent[BinaryPrimitives.ReadUInt16BigEndian(answer)]).TotalMicroseconds);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.TimedOut)
            {
                lost += waiting;
                waiting = 0;
            }
        }
        return Measured.Of(times, Stopwatch.GetElapsedTime(began), lost, Environment.CpuUsage.TotalTime - busy);
    }

    // A handful every millisecond, as many as make the wanted rate.
    private static Measured Pacing(IPEndPoint server, byte[][] queries)
    {
        const int handful = PacedRate / 1000;
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 200, ReceiveBufferSize = 1 << 20 };
        socket.Connect(server);
        List<double> times = new(1 << 18);
        byte[] answer = new byte[DnsResponder.MaxUdp];
        long[] sent = new long[ushort.MaxValue + 1];
        long began = Stopwatch.GetTimestamp(), lost = 0;
        TimeSpan busy = Environment.CpuUsage.TotalTime;
        int next = 0;
        for (int beat = 0; beat < Round.TotalMilliseconds; beat++)
        {
            while (Stopwatch.GetElapsedTime(began).TotalMilliseconds < beat)
            {
                Thread.SpinWait(20);
            }
            for (int i = 0; i < handful; i++)
            {
                byte[] query = queries[next];
                next = (next + 1) % queries.Length;
                sent[BinaryPrimitives.ReadUInt16BigEndian(query)] = Stopwatch.GetTimestamp();
                socket.Send(query);
            }
            try
            {
                for (int i = 0; i < handful; i++)
                {
                    socket.Receive(answer);
                    Check(answer);
                    times.Add(Stopwatch.GetElapsedTime(sent[BinaryPrimitives.ReadUInt16BigEndian(answer)]).TotalMicroseconds);
                }
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.TimedOut)
            {
                lost++;
            }
        }
        return Measured.Of(times, Stopwatch.GetElapsedTime(began), lost, Environment.CpuUsage.TotalTime - busy);
    }

    private static IPAddress Address(int number) => new([10, 42, (byte)(number >> 8), (byte)number]);

    private static byte[] Query(string name, ushort id)
    {
        byte[] wire = new byte[DnsName.MaxBytes];
        return DnsName.TryWrite(name, wire, out int length)
            ? [(byte)(id >> 8), (byte)id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. wire[..length], 0, 1, 0, 1]
            : throw new InvalidOperationException(name);
    }
}
