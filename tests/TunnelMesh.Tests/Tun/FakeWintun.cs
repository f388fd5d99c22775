using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Tests.Tun;

/// <summary>
/// Wintun as its users see it, after api/session.c: packets lie in memory of the driver's, an event is set when one comes, and is of
/// the kind that waiting resets. Whatever is used in a way that the real one would not forgive, fails.
/// </summary>
internal sealed unsafe class FakeWintun : IWintun, IDisposable
{
    private const nint Adapter = 11, Session = 22;
    private readonly ConcurrentQueue<nint> _incoming = new();
    private readonly ConcurrentDictionary<nint, int> _lent = new();
    private readonly AutoResetEvent _arrived = new(false);
    private int _adapters;
    private int _sessions;

    public List<string> Made { get; } = [];

    /// <summary>The errors that the calls of this name give.</summary>
    public Dictionary<string, int> Errors { get; } = [];

    /// <summary>Packets written by the device.</summary>
    public ConcurrentQueue<byte[]> Written { get; } = new();

    /// <summary>Called instead of keeping what was written.</summary>
    public Action<byte[]>? OnWritten { get; set; }

    /// <summary>Room for this many packets; then the ring is full.</summary>
    public int Room { get; set; } = int.MaxValue;

    /// <summary>Adapters and sessions that are open, packets that were not given back.</summary>
    public (int Adapters, int Sessions, int Packets) Open => (_adapters, _sessions, _lent.Count + _incoming.Count);

    /// <summary>A packet from the system.</summary>
    public void Arrive(ReadOnlySpan<byte> packet)
    {
        byte* memory = (byte*)NativeMemory.Alloc((nuint)packet.Length + 4);
        *(int*)memory = packet.Length;
        packet.CopyTo(new Span<byte>(memory + 4, packet.Length));
        _incoming.Enqueue((nint)(memory + 4));
        _arrived.Set();
    }

    public nint CreateAdapter(string name, string tunnelType, Guid id, out int error)
    {
        error = Errors.GetValueOrDefault(nameof(CreateAdapter));
        if (error != 0)
        {
            return 0;
        }

        Made.Add($"{name} {tunnelType} {id}");
        _adapters++;
        return Adapter;
    }

    public ulong LuidOf(nint adapter)
    {
        Assert.Equal((Adapter, 1), (adapter, _adapters));
        return 0x35_0000_0100_0000;
    }

    public nint StartSession(nint adapter, uint ringBytes, out int error)
    {
        Assert.Equal((Adapter, 1), (adapter, _adapters));
        Assert.True(System.Numerics.BitOperations.IsPow2(ringBytes) && ringBytes is >= 0x20000 and <= 0x4000000);
        error = Errors.GetValueOrDefault(nameof(StartSession));
        _sessions += error == 0 ? 1 : 0;
        return error == 0 ? Session : 0;
    }

    public nint ReadEventOf(nint session)
    {
        Use(session);
        return _arrived.SafeWaitHandle.DangerousGetHandle();
    }

    public byte* Receive(nint session, out uint length, out int error)
    {
        Use(session);
        length = 0;
        error = Errors.GetValueOrDefault(nameof(Receive));
        if (error != 0)
        {
            return null;
        }

        if (!_incoming.TryDequeue(out nint packet))
        {
            error = 259;
            return null;
        }

        length = ((uint*)packet)[-1];
        Assert.True(_lent.TryAdd(packet, 0));
        return (byte*)packet;
    }

    public void Release(nint session, byte* packet)
    {
        Use(session);
        Assert.True(_lent.TryRemove((nint)packet, out _), "given back twice");

        // So that whoever still looks at it sees that.
        new Span<byte>(packet, ((int*)packet)[-1]).Fill(0xdd);
        NativeMemory.Free(packet - 4);
    }

    public byte* Allocate(nint session, uint length, out int error)
    {
        Use(session);
        Assert.InRange(length, 1u, 0xffffu);
        error = Errors.GetValueOrDefault(nameof(Allocate), Room-- > 0 ? 0 : 111);
        if (error != 0)
        {
            return null;
        }

        byte* memory = (byte*)NativeMemory.Alloc(length + 4);
        *(uint*)memory = length;
        return memory + 4;
    }

    public void Send(nint session, byte* packet)
    {
        Use(session);
        byte[] written = new Span<byte>(packet, ((int*)packet)[-1]).ToArray();
        NativeMemory.Free(packet - 4);
        if (OnWritten is { } handler)
        {
            handler(written);
        }
        else
        {
            Written.Enqueue(written);
        }
    }

    public void EndSession(nint session)
    {
        Use(session);
        Assert.Empty(_lent);
        _sessions--;
        while (_incoming.TryDequeue(out nint packet))
        {
            NativeMemory.Free((byte*)packet - 4);
        }
    }

    public void CloseAdapter(nint adapter)
    {
        Assert.Equal((Adapter, 1, 0), (adapter, _adapters, _sessions));
        _adapters--;
    }

    public void Dispose() => _arrived.Dispose();

    private void Use(nint session) => Assert.Equal((Session, 1), (session, _sessions));
}
