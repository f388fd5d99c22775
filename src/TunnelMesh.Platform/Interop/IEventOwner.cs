namespace TunnelMesh.Platform.Interop;

/// <summary>A device that tells of what has arrived by an event of Windows, which is reset when it is waited for.</summary>
internal interface IEventOwner
{
    /// <summary>Set when something arrives after the device was found empty; stays the device's.</summary>
    WaitHandle Arrived { get; }

    /// <summary>True until the device was found empty: the event may then not be set although there is more.</summary>
    bool MayHaveMore { get; }
}
