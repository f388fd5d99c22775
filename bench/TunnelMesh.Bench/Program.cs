using System.Globalization;
using System.Net;
using TunnelMesh.Bench;
using TunnelMesh.Bench.CoordinatorLoad;
using TunnelMesh.Bench.Flows;
using TunnelMesh.Bench.LossyLink;
using TunnelMesh.Bench.RelayLoad;

// bench handshakes [ROUNDS]                          how many handshakes a responder answers per second on one core
// bench seal [ROUNDS]                                nanoseconds to seal, open and refuse a packet, alone and in batches, with each implementation of the cipher
// bench offload [ROUNDS]                             nanoseconds per segment to cut super-packets and to join segments
// bench dns [ROUNDS]                                 answers per second of the resolver with 10,000 names, and how long each takes
// bench ask ADDRESS:PORT PROCESS NAMES [paced]       the same of a resolver in another process, by names that fill-map has made: answers/s, microseconds in the middle and at p99, lost, percents of a processor
// bench fill-map DIRECTORY COUNT                     gives the cached map of a context so many more devices
// bench filter [ROUNDS]                              nanoseconds that the packet filter takes for a packet, with 100 rules and 10,000 flows
// bench ssh [SECONDS]                                throughput of the SSH transport over loopback, both ends in this process
// bench peer-memory [PEERS]                          kilobytes that a peer costs the data plane: known, with a session, after a rekey
// bench link NEAR FAR LOSS_PERCENT DELAY_MS [SEED [QUEUE]]   a long link that loses packets, between two TUN devices
// bench coordinator-load connected|joins|restart N   simulated peers over real TLS against a coordinator in a process of its own
// bench coordinator-serve DIRECTORY PORT             that process; started by coordinator-load
// bench flood ADDRESS:PORT PORTS BYTES SECONDS RATE  datagrams to so many ports in turn, RATE a second (0: as many as go); says how many were sent
// bench answers PORT SECONDS ADDRESS...               says "asked", then when each address has answered at that TCP port, in milliseconds since, least first
// bench relay [SECONDS]                              what 1,000 idle relay streams cost a coordinator, and how much passes between two clients
int rounds = args.Length > 1 && int.TryParse(args[1], CultureInfo.InvariantCulture, out int wanted) && wanted is > 0 and <= 100 ? wanted : 5;
switch (args)
{
    case ["handshakes", ..]:
        ResponderHandshakes.Run(rounds, Console.Out);
        return 0;
    case ["seal", ..]:
        TransportSealing.Run(rounds, Console.Out);
        return 0;
    case ["offload", ..]:
        SegmentOffload.Run(rounds, Console.Out);
        return 0;
    case ["dns", ..]:
        await DnsAnswers.RunAsync(rounds, Console.Out);
        return 0;
    case ["ask", string server, string process, string names, .. string[] how] when how is [] or ["paced"]:
        DnsAnswers.Ask(IPEndPoint.Parse(server), Number(process), Number(names), how.Length > 0, Console.Out);
        return 0;
    case ["fill-map", string directory, string devices]:
        FullMap.Run(directory, Number(devices));
        return 0;
    case ["filter", ..]:
        FilterCost.Run(rounds, Console.Out);
        return 0;
    case ["ssh", ..]:
        await SshThroughput.RunAsync(rounds, Console.Out);
        return 0;
    case ["peer-memory", ..]:
        PeerMemory.Run(args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1000, Console.Out);
        return 0;
    case ["coordinator-serve", string directory, string port]:
        return await CoordinatorProcess.ServeAsync(directory, int.Parse(port, CultureInfo.InvariantCulture));
    case ["coordinator-load", "connected" or "joins" or "restart", string count]:
        await LoadRun.RunAsync(args[1], int.Parse(count, CultureInfo.InvariantCulture), Console.Out);
        return 0;
    case ["relay", ..]:
        await RelayRun.RunAsync(rounds, Console.Out);
        return 0;
    case ["flood", string target, string ports, string bytes, string seconds, string rate]:
        Console.WriteLine(DatagramFlood.Run(IPEndPoint.Parse(target), Number(ports), Number(bytes), TimeSpan.FromSeconds(Number(seconds)), Number(rate)));
        return 0;
    case ["answers", string port, string seconds, .. string[] addresses] when addresses.Length > 0:
        double?[] answers = await FirstAnswers.RunAsync(Number(port), [.. addresses.Select(IPAddress.Parse)], TimeSpan.FromSeconds(Number(seconds)), () => Console.WriteLine("asked"));
        Console.WriteLine(string.Join('\n', answers.OrderBy(a => a ?? double.MaxValue).Select(a => a?.ToString("F0", CultureInfo.InvariantCulture) ?? "never")));
        return answers.Contains(null) ? 1 : 0;
    case ["link", .. string[] words] when LinkOptions.TryParse(words) is { } options:
        LossyLink.Run(options, Console.In, Console.Out);
        return 0;
    default:
        Console.Error.WriteLine("usage: bench handshakes|seal|offload|dns|filter [ROUNDS] | bench ask ADDRESS:PORT PROCESS NAMES [paced] | bench fill-map DIRECTORY COUNT | bench flood ADDRESS:PORT PORTS BYTES SECONDS RATE | bench answers PORT SECONDS ADDRESS... | bench relay|ssh [SECONDS] | bench peer-memory [PEERS] | bench coordinator-load connected|joins|restart PEERS | bench link NEAR FAR LOSS_PERCENT DELAY_MS [SEED [QUEUE]]");
        return 2;
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
