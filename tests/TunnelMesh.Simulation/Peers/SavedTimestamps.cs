using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Simulation.Peers;

/// <summary>The file in which a machine keeps the last TAI64N it sent: survives a restart.</summary>
internal sealed class SavedTimestamps : ITai64nStore
{
    private long _last;

    public long Load() => _last;

    public void Save(long unixTicks) => _last = Math.Max(_last, unixTicks);
}
