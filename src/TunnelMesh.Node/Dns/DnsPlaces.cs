namespace TunnelMesh.Node.Dns;

/// <summary>
/// The places for questions on their way to other servers, shared out among those who ask: no device of the mesh takes those of the others, and all of them together
/// leave some to this machine. Thread-safe.
/// </summary>
internal sealed class DnsPlaces
{
    private readonly Lock _gate = new();
    private readonly Dictionary<uint, int> _devices = [];
    private int _taken, _mesh;

    /// <summary>Places that are taken.</summary>
    internal int Taken => Volatile.Read(ref _taken);

    /// <summary>Devices that have at least one.</summary>
    internal int Devices
    {
        get
        {
            lock (_gate)
            {
                return _devices.Count;
            }
        }
    }

    /// <summary>Takes one place, or says that there is none for this asker.</summary>
    internal bool TryEnter(in DnsAsker asker)
    {
        lock (_gate)
        {
            int mine = asker.IsOwn ? 0 : _devices.GetValueOrDefault(asker.Device);
            if (_taken >= DnsForwarder.MaxOnTheWay || (!asker.IsOwn && (_mesh >= DnsForwarder.MaxOfMesh || mine >= DnsForwarder.MaxOfDevice)))
            {
                return false;
            }
            Volatile.Write(ref _taken, _taken + 1);
            if (!asker.IsOwn)
            {
                _mesh++;
                _devices[asker.Device] = mine + 1;
            }
            return true;
        }
    }

    /// <summary>Gives one back.</summary>
    internal void Leave(in DnsAsker asker)
    {
        lock (_gate)
        {
            Volatile.Write(ref _taken, _taken - 1);
            if (asker.IsOwn)
            {
                return;
            }
            _mesh--;
            // Who asks nothing leaves nothing behind: addresses come and go for years.
            if (--System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrNullRef(_devices, asker.Device) == 0)
            {
                _devices.Remove(asker.Device);
            }
        }
    }
}
