using System.Collections.Concurrent;
using TunnelMesh.Node.Paths;
using TunnelMesh.Node.Transports;
using TunnelMesh.Platform.Lanes;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Node.DataPlane;

/// <summary>
/// UDP sockets beside the tunnel's port, each with a number that paths name: many for a short while when a NAT has to be got through, and of those the one that did. One thread receives from all and brings
/// it to the lanes as carriers do; whoever sends does so itself. Any thread.
/// </summary>
/// <param name="open">Opens a socket at a free port.</param>
/// <param name="exists">Whether there is a device, by its ID. Any thread.</param>
/// <param name="sink">Takes what comes in.</param>
internal sealed class SideSockets(Func<IUdpSocket> open, Func<string, bool> exists, ICarrierSink sink) : IDisposable
{
    /// <summary>Sockets open at the same time.</summary>
    public const int MaxSockets = 1024;

    // Taken from one socket before the next has its turn.
    private const int MaxTrains = 16;

    private readonly ConcurrentDictionary<ushort, (IUdpSocket Socket, string Device)> _open = new();
    private readonly ConcurrentQueue<IUdpSocket> _closing = new();
    private readonly Lock _changing = new();
    private SocketPoller? _poller;
    private Thread? _thread;
    private ushort _last;
    private volatile int _changes;
    private volatile bool _stop;

    /// <summary>How many are open.</summary>
    public int Count => _open.Count;

    /// <summary>Opens a socket.</summary>
    /// <param name="deviceId">For which device.</param>
    /// <returns>Its number; 0 when there are too many, the system has none, or the device is no more.</returns>
    public ushort Open(string deviceId)
    {
        ushort number;
        lock (_changing)
        {
            if (_stop || _open.Count >= MaxSockets)
            {
                return 0;
            }

            IUdpSocket? socket = null;
            try
            {
                socket = open();
                _poller ??= SocketPoller.Create();
            }
            catch (Exception e) when (e is UdpSocketException or IOException)
            {
                socket?.Dispose();
                return 0;
            }

            do
            {
                _last++;
            }
            while (_last == 0 || _open.ContainsKey(_last));
            number = _last;
            _open[number] = (socket, deviceId);
            Interlocked.Increment(ref _changes);
            if (_thread is null)
            {
                _thread = new Thread(Receive) { IsBackground = true, Name = "side sockets" };
                _thread.Start();
            }
            else
            {
                _poller.Wake();
            }
        }

        if (!exists(deviceId))
        {
            // It went while the socket was being opened, and the sweep may have come before it was there to be seen.
            Close(number);
            return 0;
        }

        return number;
    }

    /// <summary>Closes a socket; nothing comes of it when it is closed already.</summary>
    public void Close(ushort number)
    {
        if (_open.TryRemove(number, out (IUdpSocket Socket, string Device) closed))
        {
            // Not here: the other thread may be receiving from it.
            _closing.Enqueue(closed.Socket);
            Interlocked.Increment(ref _changes);
            _poller?.Wake();
        }
    }

    /// <summary>Closes the sockets of devices that are no more; to be called after some went.</summary>
    public void Sweep()
    {
        foreach ((ushort number, (_, string device)) in _open)
        {
            if (!exists(device))
            {
                Close(number);
            }
        }
    }

    /// <summary>Sends by the socket that the path names; how many datagrams were refused.</summary>
    public int Send(in PathAddress path, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        if (_open.TryGetValue(path.Socket, out (IUdpSocket Socket, string Device) found))
        {
            try
            {
                return found.Socket.SendSegments(datagrams, segmentSize, path.Endpoint);
            }
            catch (ObjectDisposedException)
            {
                // Closed in this moment.
            }
        }

        return Trains.CountOf(datagrams.Length, segmentSize);
    }

    /// <summary>Closes everything; the sink is not called afterwards.</summary>
    public void Dispose()
    {
        lock (_changing)
        {
            _stop = true;
            _poller?.Wake();
        }

        _thread?.Join();
        foreach ((_, (IUdpSocket socket, _)) in _open)
        {
            socket.Dispose();
        }

        _open.Clear();
        CloseAll();
        _poller?.Dispose();
    }

    private void Receive()
    {
        byte[] buffer = GC.AllocateUninitializedArray<byte>(ushort.MaxValue, pinned: true);
        ushort[] numbers = [];
        IUdpSocket[] sockets = [];
        bool[] ready = [];
        int seen = -1;
        while (!_stop)
        {
            // First the number of changes: what changes from here on is seen the next time.
            if (_changes is var changes && changes != seen)
            {
                seen = changes;
                CloseAll();
                // Not by a collection expression, which takes count and contents one after the other while others open sockets.
                KeyValuePair<ushort, (IUdpSocket Socket, string Device)>[] all = _open.ToArray();
                (numbers, sockets, ready) = ([.. all.Select(s => s.Key)], [.. all.Select(s => s.Value.Socket)], new bool[all.Length]);
            }

            _poller!.Wait(sockets, ready, -1);
            for (int i = 0; i < sockets.Length; i++)
            {
                if (ready[i])
                {
                    Take(numbers[i], sockets[i], buffer);
                }
            }
        }
    }

    private void Take(ushort number, IUdpSocket socket, byte[] buffer)
    {
        for (int i = 0; i < MaxTrains; i++)
        {
            int length = socket.ReceiveSegments(buffer, out int segmentSize, out UdpEndpoint source);
            if (length == 0)
            {
                return;
            }

            sink.Deliver(PathAddress.Udp(source, number), buffer.AsSpan(0, length), segmentSize);
        }
    }

    private void CloseAll()
    {
        while (_closing.TryDequeue(out IUdpSocket? socket))
        {
            socket.Dispose();
        }
    }
}
