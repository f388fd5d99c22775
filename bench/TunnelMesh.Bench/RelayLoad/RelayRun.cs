using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Bench.CoordinatorLoad;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.Transports.Relay;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Bench.RelayLoad;

/// <summary>A relay with 1,000 idle streams, and between two of its clients as much as it carries. Clients and coordinator share the machine.</summary>
internal sealed class RelayRun : IAsyncDisposable
{
    private const int Idle = 1000, Size = 1420, Segments = 45, BatchBytes = Size * Segments;

    // As many batches on the way as a queue holds without dropping.
    private const int Window = 12;

    private readonly string _directory = Directory.CreateTempSubdirectory("tm-relay").FullName;
    private readonly ConcurrentQueue<(string Id, PeerCertificate Certificate)> _devices = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];
    private readonly TextWriter _output;
    private byte[] _root = [];

    private RelayRun(TextWriter output) => _output = output;

    internal static async Task RunAsync(int seconds, TextWriter output)
    {
        await using RelayRun run = new(output);
        await run.PrepareAsync(Idle + 2);
        using CoordinatorProcess coordinator = await CoordinatorProcess.StartAsync(run._directory, 0, "");
        // Two first: what the first streams cost is no matter of their number.
        CountingSink sink = new();
        (RelayTransport near, _) = await run.OpenAsync(coordinator.Port, new CountingSink());
        (_, UInt128 id) = await run.OpenAsync(coordinator.Port, sink);
        double before = coordinator.Rss;
        for (int i = 0; i < Idle; i += 50)
        {
            await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => run.OpenAsync(coordinator.Port, new CountingSink())));
        }
        await Task.Delay(TimeSpan.FromSeconds(12));
        TimeSpan cpu = coordinator.Cpu;
        await Task.Delay(TimeSpan.FromSeconds(10));
        run.Say($"{Idle} idle streams: {before:F0} MB before, {coordinator.Rss:F0} MB now, {coordinator.PeakRss:F0} MB at most, {(coordinator.Cpu - cpu).TotalSeconds / 10:P1} of a core");
        await run.PassAsync(near, id, sink, 2);
        cpu = coordinator.Cpu;
        TimeSpan own = Process.GetCurrentProcess().TotalProcessorTime;
        long allocated = GC.GetTotalAllocatedBytes(), framesBefore = near.Counters.FramesSent;
        double rate = await run.PassAsync(near, id, sink, seconds);
        RelayTransportCounters sent = near.Counters;
        double garbage = (GC.GetTotalAllocatedBytes() - allocated) / (double)(sent.FramesSent - framesBefore);
        run.Say($"throughput: {rate * 8 / 1e9:F2} Gbit/s for {seconds} s in datagrams of {Size} bytes; coordinator {(coordinator.Cpu - cpu).TotalSeconds / seconds:P0} of a core, both clients {(Process.GetCurrentProcess().TotalProcessorTime - own).TotalSeconds / seconds:P0}, {coordinator.Rss:F0} MB");
        run.Say($"{sent.DroppedFull} datagrams dropped by the sender's queue; round trip to the coordinator {near.RoundTrip?.TotalMilliseconds:F2} ms; both clients allocate {garbage:F0} bytes for a message of {BatchBytes}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        _stop.Dispose();
        Directory.Delete(_directory, true);
    }

    private async Task<double> PassAsync(RelayTransport from, UInt128 to, CountingSink sink, int seconds)
    {
        byte[] batch = RandomNumberGenerator.GetBytes(BatchBytes);
        long begin = sink.Bytes, sent = begin;
        Stopwatch clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromSeconds(seconds))
        {
            if (sent - sink.Bytes < Window * BatchBytes)
            {
                sent += from.Send(to, batch, Size) == 0 ? BatchBytes : 0;
            }
            else if (!await sink.WaitAsync())
            {
                // What was dropped does not come any more.
                sent = sink.Bytes;
            }
        }
        return (sink.Bytes - begin) / clock.Elapsed.TotalSeconds;
    }

    private async Task<(RelayTransport Transport, UInt128 Id)> OpenAsync(int port, CountingSink sink)
    {
        _devices.TryDequeue(out (string Id, PeerCertificate Certificate) device);
        JoinRequest request = new()
        {
            Server = new CoordinatorAddress("127.0.0.1", port),
            Identity = IdentityKey.Generate(RandomNumberGenerator.Fill),
            Device = DeviceKey.Generate(RandomNumberGenerator.Fill),
            Name = "bench",
        };
        TaskCompletionSource open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        RelayTransport transport = new(new RelayTransportOptions
        {
            Request = request,
            MeshRoot = _root,
            Certificate = () => device.Certificate,
            Addresses = () => [request.Server],
            Sink = sink,
            OnState = state =>
            {
                if (state.IsOpen)
                {
                    open.TrySetResult();
                }
            },
        }, TimeProvider.System);
        _running.Add(transport.RunAsync(_stop.Token));
        await open.Task;
        return (transport, UInt128.Parse(device.Id, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }

    // Devices and certificates as joins would have left them, without the joins.
    private async Task PrepareAsync(int count)
    {
        await using SqliteState state = CoordinatorProcess.OpenState(_directory);
        using MeshAuthority authority = CoordinatorProcess.OpenAuthority(_directory, state);
        _root = authority.Root.RawData;
        byte[] root = SHA256.HashData(_root), issuer = authority.Issuer.RawData;
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (i, cancel) =>
        {
            IdentityKey identity = IdentityKey.Generate(RandomNumberGenerator.Fill);
            DeviceKey device = DeviceKey.Generate(RandomNumberGenerator.Fill);
            string name = string.Create(CultureInfo.InvariantCulture, $"peer-{i}");
            RegistrationResult result = await state.RegisterAsync(new RegistrationRequest
            {
                DeviceKey = device.Public.ToArray(),
                IdentityKey = identity.PublicKey.ToArray(),
                Name = name,
                Record = DeviceRecord.Create(identity, name, root, device.Public, 1, expiry: 0),
                RecordGeneration = 1,
                ProgramVersion = "0.1.0",
            }, cancel);
            using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using X509Certificate2 leaf = authority.IssueDevice(result.Device.Id, key.ExportSubjectPublicKeyInfo(), result.Device.Name, [result.Device.Ip, result.Device.Ip6]);
            _devices.Enqueue((result.Device.Id, PeerCertificate.Create([leaf.RawData, issuer], key.ExportPkcs8PrivateKey())));
        });
    }

    private void Say(FormattableString text) => _output.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
