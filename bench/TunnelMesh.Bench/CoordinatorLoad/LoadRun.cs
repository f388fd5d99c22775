using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Bench.CoordinatorLoad;

/// <summary>One measurement of a coordinator under load.</summary>
internal sealed class LoadRun : IAsyncDisposable
{
    private const int JoinsAtOnce = 24, Joins = 2000;
    private readonly string _directory = Directory.CreateTempSubdirectory("tm-load").FullName;
    private readonly string _token = MeshToken.Generate(RandomNumberGenerator.Fill);
    private readonly List<LeanPeer> _peers = [];
    private readonly ConcurrentQueue<PeerCertificate> _certificates = [];
    private readonly TextWriter _output;
    private CoordinatorProcess _coordinator = null!;
    private Deliveries _deliveries = null!;

    private LoadRun(TextWriter output) => _output = output;

    internal static async Task RunAsync(string what, int peers, TextWriter output)
    {
        await using LoadRun run = new(output);
        if (what != "joins")
        {
            await run.PrepareAsync(peers);
        }
        run._coordinator = await CoordinatorProcess.StartAsync(run._directory, 0, run._token);
        run.Say($"{what}, {peers} peers; load before: {await LoadAsync()}; coordinator empty: {run._coordinator.Rss:F0} MB");
        Task measure = what switch
        {
            "connected" => run.ConnectedAsync(peers),
            "joins" => run.JoinsAsync(peers),
            _ => run.RestartAsync(peers),
        };
        await measure;
        run.Say($"load after: {await LoadAsync()}");
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_peers.Select(p => p.DisposeAsync().AsTask()));
        _coordinator?.Dispose();
        Directory.Delete(_directory, true);
    }

    /// <summary>N streams, then five joins a second that everyone must see.</summary>
    private async Task ConnectedAsync(int peers)
    {
        await FillAsync(peers);
        await Task.Delay(TimeSpan.FromSeconds(15));
        TimeSpan cpu = _coordinator.Cpu;
        await Task.Delay(TimeSpan.FromSeconds(20));
        Say($"quiet: {_coordinator.Rss:F0} MB now, {_coordinator.PeakRss:F0} MB at most, {(_coordinator.Cpu - cpu).TotalSeconds / 20:P0} of a core, {_peers.Count(p => p.Connected)} connected, {_peers.Sum(p => p.Losses)} losses");

        _deliveries.Record = true;
        Dictionary<string, long> began = [];
        cpu = _coordinator.Cpu;
        Stopwatch clock = Stopwatch.StartNew();
        List<Task> joins = [];
        for (int i = 0; i < 300; i++)
        {
            TimeSpan due = TimeSpan.FromMilliseconds(i * 200) - clock.Elapsed;
            await Task.Delay(due > TimeSpan.Zero ? due : TimeSpan.Zero);
            long now = Stopwatch.GetTimestamp();
            joins.Add(Task.Run(async () =>
            {
                JoinResult joined = await JoinAsync(NewPeers(1)[0]);
                lock (began)
                {
                    began[joined.Device.Id] = now;
                }
            }));
        }
        await Task.WhenAll(joins);
        double seconds = clock.Elapsed.TotalSeconds;
        await Task.Delay(TimeSpan.FromSeconds(5));
        _deliveries.Record = false;
        List<double> all = [], whole = [];
        foreach (Delivery delivery in _deliveries.Recorded)
        {
            foreach (string id in delivery.Upserted.Where(began.ContainsKey))
            {
                double[] seen = [.. delivery.Arrivals.Select(a => Stopwatch.GetElapsedTime(began[id], a).TotalSeconds)];
                all.AddRange(seen);
                if (seen.Length >= _peers.Count(p => p.Connected))
                {
                    whole.Add(seen.Max());
                }
            }
        }
        Say($"{began.Count} joins in {seconds:F1} s, from the join's first byte to a viewer: p50 {At(all, 0.5):F3} s, p99 {At(all, 0.99):F3} s, most {At(all, 1):F3} s; to all viewers: p99 {At(whole, 0.99):F3} s ({whole.Count} joins)");
        Say($"meanwhile: {(_coordinator.Cpu - cpu).TotalSeconds / clock.Elapsed.TotalSeconds:P0} of a core, {_coordinator.Rss:F0} MB, {_peers.Sum(p => p.Losses)} losses, {_peers.Count(p => p.FullMaps > 1)} viewers needed the whole map again");
    }

    /// <summary>N streams, and as many joins as can be.</summary>
    private async Task JoinsAsync(int peers)
    {
        // These joins are not in the figure: they are what warms both sides up.
        Stopwatch filling = Stopwatch.StartNew();
        await Parallel.ForEachAsync(NewPeers(peers), new ParallelOptions { MaxDegreeOfParallelism = JoinsAtOnce }, async (peer, _) => _certificates.Enqueue((await JoinAsync(peer)).Certificate));
        Say($"joined {peers} in {filling.Elapsed.TotalSeconds:F1} s; coordinator {_coordinator.Rss:F0} MB");
        await FillAsync(peers);
        // A peer has its keys long before it joins.
        List<(IdentityKey Identity, DeviceKey Device)> joining = NewPeers(Joins);
        TimeSpan cpu = _coordinator.Cpu, own = Process.GetCurrentProcess().TotalProcessorTime;
        Stopwatch clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(joining, new ParallelOptions { MaxDegreeOfParallelism = JoinsAtOnce }, async (peer, _) =>
        {
            JoinResult joined = await JoinAsync(peer);
            joined.Certificate.Dispose();
        });
        double seconds = clock.Elapsed.TotalSeconds;
        Say($"{Joins} joins in {seconds:F1} s: {Joins / seconds:F0}/s; coordinator {(_coordinator.Cpu - cpu).TotalMilliseconds / Joins:F1} ms of processor a join, the joining side {(Process.GetCurrentProcess().TotalProcessorTime - own).TotalMilliseconds / Joins:F1} ms");
    }

    /// <summary>N streams, kill -9, start again: how long until everyone has everything.</summary>
    private async Task RestartAsync(int peers)
    {
        await FillAsync(peers);
        await SettleAsync(peers, "");
        string epoch = _peers[0].Epoch;
        int port = _coordinator.Port;
        await _coordinator.KillAsync();
        _coordinator.Dispose();
        await Task.Delay(TimeSpan.FromSeconds(3));
        _coordinator = await CoordinatorProcess.StartAsync(_directory, port, "");
        Stopwatch clock = Stopwatch.StartNew();
        TimeSpan connected = await SettleAsync(peers, epoch);
        Say($"after the restart all {peers} were back in {connected.TotalSeconds:F1} s, and had the same map in {clock.Elapsed.TotalSeconds:F1} s; coordinator {_coordinator.Cpu.TotalSeconds:F1} s of processor, {_coordinator.PeakRss:F0} MB at most");
    }

    // Devices and certificates as joins would have left them, without the joins: they are measured elsewhere.
    private async Task PrepareAsync(int peers)
    {
        Stopwatch clock = Stopwatch.StartNew();
        await using SqliteState state = CoordinatorProcess.OpenState(_directory);
        using MeshAuthority authority = CoordinatorProcess.OpenAuthority(_directory, state);
        byte[] root = SHA256.HashData(authority.Root.RawData), issuer = authority.Issuer.RawData;
        await Parallel.ForEachAsync(NewPeers(peers), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (peer, cancel) =>
        {
            string name = NewName();
            RegistrationResult result = await state.RegisterAsync(new RegistrationRequest
            {
                DeviceKey = peer.Device.Public.ToArray(),
                IdentityKey = peer.Identity.PublicKey.ToArray(),
                Name = name,
                Record = DeviceRecord.Create(peer.Identity, name, root, peer.Device.Public, 1, expiry: 0),
                RecordGeneration = 1,
                ProgramVersion = "0.1.0",
            }, cancel);
            using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using X509Certificate2 leaf = authority.IssueDevice(result.Device.Id, key.ExportSubjectPublicKeyInfo(), result.Device.Name, [result.Device.Ip, result.Device.Ip6]);
            _certificates.Enqueue(PeerCertificate.Create([leaf.RawData, issuer], key.ExportPkcs8PrivateKey()));
        });
        Say($"{peers} devices written into the state before the start, with their certificates, in {clock.Elapsed.TotalSeconds:F1} s");
    }

    private async Task FillAsync(int peers)
    {
        Stopwatch clock = Stopwatch.StartNew();
        _deliveries = new Deliveries(_certificates.First().Chain[1]);
        foreach (PeerCertificate certificate in _certificates)
        {
            LeanPeer peer = new(_peers.Count, certificate, _deliveries);
            _peers.Add(peer);
            peer.Start(_coordinator.Port);
            while (_peers.Count - _peers.Count(p => p.Connected) > 100)
            {
                await Task.Delay(20);
            }
        }
        while (_peers.Any(p => p.Number == 0))
        {
            await Task.Delay(50);
        }
        Say($"connected {peers} in {clock.Elapsed.TotalSeconds:F1} s; coordinator {_coordinator.Rss:F0} MB");
    }

    // Returns when all were connected; ends when all hold the same map of an epoch other than the one before.
    private async Task<TimeSpan> SettleAsync(int peers, string before)
    {
        Stopwatch clock = Stopwatch.StartNew();
        TimeSpan? connected = null;
        long last = -1;
        for (int same = 0; same < 10;)
        {
            await Task.Delay(20);
            bool all = _peers.Count(p => p.Connected && p.Epoch != before) == peers;
            connected ??= all ? clock.Elapsed : null;
            long least = _peers.Min(p => p.Number), most = _peers.Max(p => p.Number);
            same = all && least == most && most == last ? same + 1 : 0;
            last = most;
        }
        return connected!.Value;
    }

    private static string NewName() => "peer-" + RandomNumberGenerator.GetHexString(8, lowercase: true);

    private static List<(IdentityKey Identity, DeviceKey Device)> NewPeers(int count) =>
        [.. Enumerable.Range(0, count).Select(_ => (IdentityKey.Generate(RandomNumberGenerator.Fill), DeviceKey.Generate(RandomNumberGenerator.Fill)))];

    private Task<JoinResult> JoinAsync((IdentityKey Identity, DeviceKey Device) peer) => new CoordinatorClient(TimeProvider.System).JoinAsync(new JoinRequest
    {
        Server = new CoordinatorAddress("127.0.0.1", _coordinator.Port),
        Identity = peer.Identity,
        Device = peer.Device,
        Name = NewName(),
        ProgramVersion = "0.1.0",
    }, _token, CancellationToken.None);

    private static double At(List<double> values, double part)
    {
        values.Sort();
        return values.Count == 0 ? double.NaN : values[Math.Min(values.Count - 1, (int)(values.Count * part))];
    }

    private static async Task<string> LoadAsync() => (await File.ReadAllTextAsync("/proc/loadavg")).Split(' ')[0];

    private void Say(FormattableString text) => _output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
