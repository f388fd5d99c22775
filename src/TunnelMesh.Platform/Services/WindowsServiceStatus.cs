namespace TunnelMesh.Platform.Services;

/// <summary>What is told to, or by, the service control manager about a service (SERVICE_STATUS).</summary>
/// <param name="State">The state.</param>
/// <param name="AcceptsStop">Whether it may be told to stop, and is told when the system shuts down.</param>
/// <param name="ExitCode">Exit code of the program; 0 unless it has ended with a failure.</param>
/// <param name="CheckPoint">Grows while a change goes on.</param>
/// <param name="WaitHint">How long until the next report, in milliseconds.</param>
/// <param name="Process">ID of its process, as far as known; else 0.</param>
public readonly record struct WindowsServiceStatus(WindowsServiceState State, bool AcceptsStop = false, int ExitCode = 0, int CheckPoint = 0, int WaitHint = 0, int Process = 0);
