using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Transports;
using TunnelMesh.Node.Transports.Ssh;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Bench;

/// <summary>
/// Throughput of the SSH transport over loopback TCP: segments of 1420 bytes in trains, and alone, one way, as many as are taken without loss.
/// Both ends, their encryption and the kernel's copies run on this machine's cores; the processor time used is printed beside.
/// </summary>
internal static class SshThroughput
{
    private const int SegmentBytes = 1420, TrainSegments = 44, MostUnderWay = 400;

    public static async Task RunAsync(int seconds, TextWriter output)
    {
        IdentityKey one = IdentityKey.Generate(RandomNumberGenerator.Fill), two = IdentityKey.Generate(RandomNumberGenerator.Fill);
        Sink near = new(), far = new();
        await using SshTransport server = new(new SshTransportOptions { Identity = two, DeviceId = 2, Port = 0 }, far);
        await using SshTransport client = new(new SshTransportOptions { Identity = one, DeviceId = 1 }, near);
        server.SetPeers([new SshPeer(1, one.PublicKey.ToArray(), [])]);
        client.SetPeers([new SshPeer(2, two.PublicKey.ToArray(), [new IPEndPoint(IPAddress.Loopback, server.Port)])]);
        client.Prepare(2);
        await near.Opened.Task.WaitAsync(TimeSpan.FromSeconds(10));
        foreach (int segments in new[] { TrainSegments, 1 })
        {
            byte[] train = RandomNumberGenerator.GetBytes(segments * SegmentBytes);
            Run(client, far, train, TimeSpan.FromSeconds(1));
            long before = far.Bytes, allocated = GC.GetTotalAllocatedBytes(), start = Stopwatch.GetTimestamp();
            TimeSpan processor = Environment.CpuUsage.TotalTime;
            Run(client, far, train, TimeSpan.FromSeconds(seconds));
            double took = Stopwatch.GetElapsedTime(start).TotalSeconds;
            output.WriteLine($"{segments,2} x {SegmentBytes} B  {(far.Bytes - before) * 8 / took / 1e9:F2} Gbit/s, {(Environment.CpuUsage.TotalTime - processor).TotalSeconds / took:F2} cores, " +
                $"{client.Counters.DroppedWaiting} dropped, {(GC.GetTotalAllocatedBytes() - allocated) / 1024.0 / seconds:F0} KB allocated a second");
        }
    }

    private static void Run(SshTransport client, Sink far, byte[] train, TimeSpan span)
    {
        long sent = Interlocked.Read(ref far.Bytes), start = Stopwatch.GetTimestamp();
        int underWay = MostUnderWay * SegmentBytes;
        while (Stopwatch.GetElapsedTime(start) < span)
        {
            if (sent - Interlocked.Read(ref far.Bytes) <= underWay && client.Send(2, train, SegmentBytes) == 0)
            {
                sent += train.Length;
            }
            else
            {
                Thread.Yield();
            }
        }

        SpinWait.SpinUntil(() => Interlocked.Read(ref far.Bytes) >= sent, TimeSpan.FromSeconds(2));
    }

    private sealed class Sink : ICarrierSink
    {
        public long Bytes;

        public TaskCompletionSource Opened { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Deliver(in PathAddress source, ReadOnlySpan<byte> datagrams, int segmentSize)
        {
            Interlocked.Add(ref Bytes, datagrams.Length);
            return 0;
        }

        public void NoteOpen(in PathAddress path, bool open) => Opened.TrySetResult();
    }
}
