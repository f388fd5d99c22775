namespace TunnelMesh.Platform.Lanes;

/// <summary>How the system schedules the calling thread, and the processor it may be kept on. To be used by the thread that made it alone, and disposed by it.</summary>
public abstract class ThreadScheduling : IDisposable
{
    /// <summary>
    /// Of the calling thread; null where a thread is better left to the scheduler: on one processor, on processors of different strength, and on systems that do not tell how long a
    /// thread waits (all but Linux, and kernels without CONFIG_SCHED_INFO).
    /// </summary>
    public static ThreadScheduling? OfThisThread() => OperatingSystem.IsLinux() ? LinuxThreadScheduling.TryCreate() : null;

    /// <summary>
    /// The time since the thread began that it ran, and that it could have run and waited for a processor. What interrupts take of a processor is in neither where the kernel
    /// accounts for it apart.
    /// </summary>
    /// <param name="ran">On a processor.</param>
    /// <param name="waited">In a processor's queue.</param>
    /// <returns>False when the system does not tell any more.</returns>
    public abstract bool TryGetTimes(out TimeSpan ran, out TimeSpan waited);

    /// <summary>Keeps the thread on the processor on which it runs now.</summary>
    /// <returns>Its number; null when the system or its administrator does not let the thread choose.</returns>
    public abstract int? Stay();

    /// <summary>Undoes <see cref="Stay"/>.</summary>
    /// <returns>False when somebody else has decided meanwhile where the thread runs, which is left as it is.</returns>
    public abstract bool Roam();

    /// <summary>Lets the threads that this one has begun while it stayed run wherever it might: each takes its processor over, and the runtime's workers would keep it.</summary>
    public abstract void FreeHeirs();

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back what the system lent; a thread that stays roams.</summary>
    /// <param name="disposing">True when called by <see cref="Dispose()"/>.</param>
    protected abstract void Dispose(bool disposing);
}
