using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>Hears from Windows of interfaces, addresses and routes.</summary>
internal sealed unsafe class WindowsNotices : IDisposable
{
    private readonly IIpNotifications _system;
    private readonly List<nint> _handles = [];
    private GCHandle _notice;

    /// <param name="system">Whom to ask.</param>
    /// <param name="notice">Called at each notice, on a thread of the system's. Returns soon.</param>
    /// <exception cref="IOException">The system refused.</exception>
    public WindowsNotices(IIpNotifications system, Action notice)
    {
        _system = system;
        _notice = GCHandle.Alloc(notice);
        void* context = (void*)GCHandle.ToIntPtr(_notice);
        Keep(system.OnInterfaces(&Hear, context, out nint handle), handle);
        Keep(system.OnAddresses(&Hear, context, out handle), handle);
        Keep(system.OnRoutes(&Hear, context, out handle), handle);
    }

    public void Dispose()
    {
        foreach (nint handle in _handles)
        {
            // When this returns, no callback runs any more.
            _ = _system.Cancel(handle);
        }

        _handles.Clear();
        if (_notice.IsAllocated)
        {
            _notice.Free();
        }
    }

    [UnmanagedCallersOnly]
    private static void Hear(void* context, void* row, int kind) => ((Action)GCHandle.FromIntPtr((nint)context).Target!)();

    private void Keep(int error, nint handle)
    {
        if (error == 0)
        {
            _handles.Add(handle);
            return;
        }

        Dispose();
        throw new IOException($"The system gives no notices of changes of its network: {WindowsNative.Describe(error)}.");
    }
}
