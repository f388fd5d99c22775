using TunnelMesh.Platform.Journals;

namespace TunnelMesh.Platform.Exit;

/// <summary>
/// Sets a system up for exit traffic, on either side, and puts everything back: at the end, or at the next start when the end did not come. One thread at a time.
/// </summary>
public interface IExitSetup : IDisposable
{
    /// <summary>What does not hold although the peer goes on, for people; null when all is well.</summary>
    string? Weakness { get; }

    /// <summary>Which programs keep forwarding on at the end, for people; null when it was turned off, or was not ours.</summary>
    string? Forwarding { get; }

    /// <summary>Undoes what a process before this one left behind.</summary>
    /// <param name="keepBlock">A kill switch stays until <see cref="Use"/> takes it over, or <see cref="Revert"/> is called.</param>
    /// <returns>What became of it; null when there was nothing.</returns>
    Recovery? Recover(bool keepBlock);

    /// <summary>Lets others' traffic out.</summary>
    /// <exception cref="ExitException">The system refused; nothing is changed.</exception>
    void Serve(ExitServing serving);

    /// <summary>Leads this machine's traffic into the mesh.</summary>
    /// <param name="use">How.</param>
    /// <param name="leads">False leaves the traffic where it is for now; see <see cref="Lead"/>.</param>
    /// <exception cref="ExitException">The system refused; nothing is changed, and a kill switch that was in force is so still.</exception>
    void Use(ExitUse use, bool leads);

    /// <summary>Leads the traffic into the mesh from now on, or lets it go past.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    void Lead(bool leads);

    /// <summary>Puts in place what somebody else has taken away, and follows the networks that this machine is connected to.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    void Check();

    /// <summary>Adds the rules for packets again where somebody has taken them away, or where they could not be added before, and takes away what could not be before. Runs programs of the system.</summary>
    /// <returns>True when they were in force before and had to be added.</returns>
    /// <exception cref="ExitException">The system refused.</exception>
    bool CheckRules();

    /// <summary>Gives more time to rules that end by themselves soon after the process that wants them: to be called well within a minute of the last time. Runs programs of the system.</summary>
    void Renew();

    /// <summary>Checks that the kernel passes packets on still, for a device that lets others' traffic out. Whoever turned it off is not argued with.</summary>
    /// <exception cref="ExitException">It does not; the message says what to do.</exception>
    void CheckForwarding();

    /// <summary>Has the kernel tell when our rules are changed.</summary>
    /// <param name="notice">Called then, whoever it was, to be followed by <see cref="CheckRules"/>. Returns soon; on a thread of its own.</param>
    /// <returns>Ends it; null where the kernel tells nothing of the kind, so that it has to be asked often.</returns>
    IDisposable? WatchRules(Action notice);

    /// <summary>Puts the kill switch in force before there is a peer, which takes it over by <see cref="Recover"/> and <see cref="Use"/>.</summary>
    /// <param name="use">What the peer will want; the sources are of no matter.</param>
    /// <exception cref="ExitException">The system refused; what was in force before is so still.</exception>
    void Close(ExitUse use);

    /// <summary>Whether a kill switch is in force that outlives this process: Dispose leaves it, <see cref="Revert"/> takes it away. Runs programs of the system.</summary>
    bool IsClosed();

    /// <summary>Puts everything back that this process changed, and what it was to take over and did not.</summary>
    /// <returns>Why it failed; null when all is well.</returns>
    string? Revert();
}
