namespace TunnelMesh.Platform.Services;

/// <summary>States of a Windows service (SERVICE_STATUS, dwCurrentState).</summary>
public enum WindowsServiceState
{
    /// <summary>It does not run.</summary>
    Stopped = 1,
    /// <summary>It starts.</summary>
    StartPending = 2,
    /// <summary>It ends.</summary>
    StopPending = 3,
    /// <summary>It runs.</summary>
    Running = 4,
}
