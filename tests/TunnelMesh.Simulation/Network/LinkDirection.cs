namespace TunnelMesh.Simulation.Network;

/// <summary>One direction of a link with its queue.</summary>
internal sealed class LinkDirection
{
    private TimeSpan _freeAt;

    public LinkConditions Conditions { get; set; } = new();

    /// <summary>False: nothing comes through this way.</summary>
    public bool IsUp { get; set; } = true;

    /// <summary>Sends a datagram through.</summary>
    /// <param name="world">The world.</param>
    /// <param name="datagram">What.</param>
    /// <param name="dropped">Called at once when it does not come through.</param>
    /// <param name="arrived">Called for it, and for its duplicate, at the other end.</param>
    public void Pass(VirtualWorld world, Datagram datagram, Action<Fate> dropped, Action arrived)
    {
        if (Drop(world, datagram) is { } fate)
        {
            dropped(fate);
            return;
        }

        TimeSpan wait = TimeSpan.Zero;
        if (Conditions.BytesPerSecond > 0)
        {
            TimeSpan begin = _freeAt > world.Now ? _freeAt : world.Now;
            _freeAt = begin + TimeSpan.FromSeconds(datagram.WireBytes / Conditions.BytesPerSecond);
            wait = _freeAt - world.Now;
        }

        world.After(wait + Delay(world), arrived);
        if (world.Happens(Conditions.Duplication))
        {
            world.After(wait + Delay(world), arrived);
        }
    }

    private Fate? Drop(VirtualWorld world, Datagram datagram)
    {
        if (!IsUp)
        {
            return Fate.Cut;
        }

        if (datagram.WireBytes > Conditions.Mtu)
        {
            return Fate.TooLarge;
        }

        if (Conditions.BytesPerSecond > 0 && _freeAt - world.Now > Conditions.QueueLimit)
        {
            return Fate.QueueFull;
        }

        return world.Happens(Conditions.Loss) ? Fate.Lost : null;
    }

    private TimeSpan Delay(VirtualWorld world)
    {
        TimeSpan delay = Conditions.Latency;
        if (Conditions.Jitter > TimeSpan.Zero)
        {
            delay += Conditions.Jitter * world.Chance.NextDouble();
        }

        return world.Happens(Conditions.Reordering) ? delay + Conditions.ReorderDelay : delay;
    }
}
