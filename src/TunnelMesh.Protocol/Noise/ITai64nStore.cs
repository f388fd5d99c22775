namespace TunnelMesh.Protocol.Noise;

/// <summary>Keeps the greatest timestamp sent in an initiation, so that a clock set back does not lock this device out of
/// its peers. Called under a lock: keep it in memory and write it out elsewhere.</summary>
public interface ITai64nStore
{
    /// <summary>Greatest time sent, in units of 100 ns since 1970 UTC; 0 when none is known.</summary>
    long Load();

    /// <summary>Records the greatest time sent, in units of 100 ns since 1970 UTC.</summary>
    void Save(long unixTicks);
}
