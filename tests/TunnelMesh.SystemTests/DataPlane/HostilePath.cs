using System.Net;
using System.Net.Sockets;
using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.DataPlane;

/// <summary>
/// A machine on the way between two others that delivers every datagram, and beside each one throws in what it likes: bits of it
/// flipped, its length changed, the same once more, older ones again, and noise in the shape of every message type.
/// </summary>
internal sealed class HostilePath : IDisposable
{
    private const int Kept = 64;
    private readonly Socket left, right;
    private readonly Random random;
    private readonly byte[][] old = [.. Enumerable.Range(0, Kept).Select(_ => Array.Empty<byte>())];
    private int delivered, injected;

    private HostilePath(Socket left, Socket right, int seed)
    {
        this.left = left;
        this.right = right;
        random = new Random(seed);
    }

    /// <summary>Where the left machine sends to.</summary>
    public IPEndPoint Left => (IPEndPoint)left.LocalEndPoint!;

    public int Delivered => Volatile.Read(ref delivered);

    public int Injected => Volatile.Read(ref injected);

    public static HostilePath Open(NetworkNamespace machine, int seed) =>
        new(NamespaceSocket.Bind(machine, IPAddress.Parse(machine.Address)), NamespaceSocket.Bind(machine, IPAddress.Parse(machine.Address)), seed);

    /// <summary>Works until cancelled.</summary>
    /// <param name="leftMachine">Who is on the left.</param>
    /// <param name="rightMachine">Who is on the right.</param>
    /// <param name="cancel">The end.</param>
    public Task RunAsync(IPEndPoint leftMachine, IPEndPoint rightMachine, CancellationToken cancel) =>
        Task.WhenAll(PassAsync(left, right, rightMachine, cancel), PassAsync(right, left, leftMachine, cancel));

    public void Dispose()
    {
        left.Dispose();
        right.Dispose();
    }

    private async Task PassAsync(Socket from, Socket to, IPEndPoint target, CancellationToken cancel)
    {
        byte[] buffer = new byte[65536];
        try
        {
            while (true)
            {
                SocketReceiveFromResult result = await from.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), cancel);
                byte[] honest = buffer[..result.ReceivedBytes];
                await InjectAsync(to, target, Mutated(honest), cancel);
                await to.SendToAsync(honest, target, cancel);
                Interlocked.Increment(ref delivered);
                await InjectAsync(to, target, Mutated(honest), cancel);
                await InjectAsync(to, target, honest, cancel);
                await InjectAsync(to, target, Noise(), cancel);
                int place = Next(Kept);
                await InjectAsync(to, target, old[place], cancel);
                old[place] = honest;
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private async Task InjectAsync(Socket to, IPEndPoint target, byte[] datagram, CancellationToken cancel)
    {
        await to.SendToAsync(datagram, target, cancel);
        Interlocked.Increment(ref injected);
    }

    private byte[] Mutated(byte[] datagram)
    {
        byte[] copy = [.. datagram];
        switch (Next(4))
        {
            case 0:
                return copy[..Next(copy.Length + 1)];
            case 1:
                return [.. copy, .. new byte[Next(64)]];
            default:
                for (int i = Next(3); i >= 0 && copy.Length > 0; i--)
                {
                    copy[Next(copy.Length)] ^= (byte)(1 << Next(8));
                }

                return copy;
        }
    }

    private byte[] Noise()
    {
        int[] sizes = [148, 92, 64, 32, 128];
        byte[] datagram = new byte[Next(3) == 0 ? Next(2000) : sizes[Next(sizes.Length)]];
        lock (random)
        {
            random.NextBytes(datagram);
        }

        if (datagram.Length >= 4)
        {
            datagram[0] = (byte)(1 + Next(4));
            datagram.AsSpan(1, 3).Clear();
        }

        return datagram;
    }

    private int Next(int below)
    {
        lock (random)
        {
            return random.Next(below);
        }
    }
}
