using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Tests.Noise;

/// <summary>
/// Two devices and the network between them in virtual time: it delays, reorders, loses and doubles datagrams, replays old ones
/// and flips bits, all from one seed.
/// </summary>
internal sealed class SimulatedChannel
{
    private const int Remembered = 512;
    private readonly Random _random;
    private readonly PriorityQueue<(int To, byte[] Datagram), long> _wire = new();
    private readonly List<(int To, byte[] Datagram)> _old = [];
    private readonly SimulatedSide[] _sides;

    public SimulatedChannel(int seed, int maxWaiting = 16)
    {
        _random = new Random(seed);
        byte[] left = new byte[32], right = new byte[32];
        Fill(left);
        Fill(right);
        _sides = [new SimulatedSide(this, 0, left) { MaxWaiting = maxWaiting }, new SimulatedSide(this, 1, right) { MaxWaiting = maxWaiting }];
        Restart(0);
        Restart(1);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    public double Loss { get; set; }
    public double Mischief { get; set; }
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromMilliseconds(80);

    /// <summary>Datagrams for which this is true never arrive.</summary>
    public Func<int, byte, bool> Blocks { get; set; } = (_, _) => false;
    public long Now => Time.GetTimestamp();
    public SimulatedSide Left => _sides[0];
    public SimulatedSide Right => _sides[1];

    public SimulatedSide Other(int number) => _sides[1 - number];

    public void Fill(Span<byte> bytes) => _random.NextBytes(bytes);

    public void Restart(int number) => _sides[number].Start(_sides[1 - number].Local.PublicKey.Span);

    public void Send(int from, ReadOnlySpan<byte> datagram)
    {
        if (Blocks(from, datagram[0]))
        {
            return;
        }
        byte[] bytes = datagram.ToArray();
        if (_random.NextDouble() >= Loss)
        {
            Put(1 - from, bytes);
        }
        if (_old.Count < Remembered)
        {
            _old.Add((1 - from, bytes));
        }
        else
        {
            _old[_random.Next(Remembered)] = (1 - from, bytes);
        }
        if (_random.NextDouble() < Mischief)
        {
            Put(1 - from, bytes);
        }
        if (_random.NextDouble() < Mischief)
        {
            (int to, byte[] again) = _old[_random.Next(_old.Count)];
            Put(to, again);
        }
        if (_random.NextDouble() < Mischief)
        {
            (int to, byte[] again) = _old[_random.Next(_old.Count)];
            byte[] forged = [.. again];
            forged[_random.Next(forged.Length)] ^= (byte)(1 << _random.Next(8));
            Put(to, forged);
        }
    }

    /// <summary>Lets virtual time pass. <paramref name="traffic"/> is asked again and again: which side sends next, and after how long.</summary>
    public void Run(TimeSpan duration, Func<(int Side, TimeSpan After)> traffic)
    {
        long end = Now + Ticks(duration);
        (int side, TimeSpan after) = traffic();
        long sendAt = Now + Ticks(after);
        while (Now < end)
        {
            long arrival = _wire.TryPeek(out _, out long at) ? at : long.MaxValue;
            long timers = Math.Min(Left.NextDeadline, Right.NextDeadline);
            long next = Math.Min(Math.Min(arrival, timers), Math.Min(sendAt, end));
            if (next > Now)
            {
                Time.Advance(TimeSpan.FromTicks(next - Now));
            }
            while (_wire.TryPeek(out (int To, byte[] Datagram) item, out at) && at <= Now)
            {
                _wire.Dequeue();
                // Opened in place: the doubles and replays of a datagram need their own bytes.
                _sides[item.To].Receive([.. item.Datagram]);
            }
            if (sendAt <= Now)
            {
                _sides[side].SendData();
                (side, after) = traffic();
                sendAt = Now + Ticks(after);
            }
            foreach (SimulatedSide each in _sides)
            {
                each.RunTimers();
            }
        }
    }

    public TimeSpan Between(TimeSpan least, TimeSpan most) => least + (most - least) * _random.NextDouble();

    public int Next(int below) => _random.Next(below);

    private void Put(int to, byte[] datagram) => _wire.Enqueue((to, datagram), Now + Ticks(MaxDelay * _random.NextDouble()));

    // The fake provider counts in ticks of 100 ns.
    private long Ticks(TimeSpan duration) => Time.TimestampFrequency == TimeSpan.TicksPerSecond
        ? duration.Ticks
        : throw new InvalidOperationException("the fake clock no longer counts in ticks");
}
