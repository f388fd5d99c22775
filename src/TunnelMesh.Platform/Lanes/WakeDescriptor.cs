using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Lanes;

/// <summary>A descriptor that becomes readable when another thread asks for it. One thread clears, any signals.</summary>
internal abstract class WakeDescriptor : IDisposable
{
    /// <summary>What to poll; stays this object's.</summary>
    public abstract SafeFileDescriptor Readable { get; }

    /// <summary>Makes one of the kind that this system has.</summary>
    /// <exception cref="IOException">The system has no descriptor left.</exception>
    public static WakeDescriptor Create() => OperatingSystem.IsLinux() ? new EventWake() : new PipeWake();

    /// <summary>Makes it readable.</summary>
    /// <exception cref="ObjectDisposedException">It is gone.</exception>
    public abstract void Signal();

    /// <summary>Makes it unreadable again, once it is readable.</summary>
    public abstract void Clear();

    public abstract void Dispose();

    protected static IOException NoneLeft(int errno) => new($"The system gave no descriptor: {UnixNative.Describe(errno)}. Raise the limit of open files (ulimit -n).");
}
