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
        List<double> rates = [], tails = [];
        for (int round = 0; round <= rounds; round++)
        {
            (double rate, double median, double tail, long lost, double busy) = Asking(endpoint, queries);
            if (round > 0)
            {
                rates.Add(rate);
                tails.Add(tail);
                output.WriteLine($"round {round}: {rate:F0} answers/s over UDP, {median:F0} us in the middle, p99 {tail:F0} us, {lost} lost, {busy:F2} processors by server and asker together");
            }
        }
        for (int round = 1; round <= rounds; round++)
        {
            (double rate, double median, double tail, long lost, double busy) = Pacing(endpoint, queries);
            output.WriteLine($"paced, round {round}: {rate:F0} answers/s of {PacedRate} asked for, {median:F0} us in the middle, p99 {tail:F0} us, {lost} lost, {busy:F2} processors together, the asker spinning");
        }
        rates.Sort();
        tails.Sort();
        output.WriteLine($"median of {rounds}: {rates[rounds / 2]:F0} answers/s, p99 {tails[rounds / 2]:F0} us, with {Window} on the way and the asker on the same machine");
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

    private static (double Rate, double Median, double Tail, long Lost, double Busy) Asking(IPEndPoint server, byte[][] queries)
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
                waiting--;
                times.Add(Stopwatch.GetElapsedTime(sent[BinaryPrimitives.ReadUInt16BigEndian(answer)]).TotalMicroseconds);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.TimedOut)
            {
                lost += waiting;
                waiting = 0;
            }
        }
        TimeSpan elapsed = Stopwatch.GetElapsedTime(began);
        double used = (Environment.CpuUsage.TotalTime - busy) / elapsed;
        times.Sort();
        return (times.Count / elapsed.TotalSeconds, times[times.Count / 2], times[(int)(times.Count * 0.99)], lost, used);
    }

    // A handful every millisecond, as many as make the wanted rate.
    private static (double Rate, double Median, double Tail, long Lost, double Busy) Pacing(IPEndPoint server, byte[][] queries)
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
                    times.Add(Stopwatch.GetElapsedTime(sent[BinaryPrimitives.ReadUInt16BigEndian(answer)]).TotalMicroseconds);
                }
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.TimedOut)
            {
                lost++;
            }
        }
        TimeSpan elapsed = Stopwatch.GetElapsedTime(began);
        double used = (Environment.CpuUsage.TotalTime - busy) / elapsed;
        times.Sort();
        return (times.Count / elapsed.TotalSeconds, times[times.Count / 2], times[(int)(times.Count * 0.99)], lost, used);
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
