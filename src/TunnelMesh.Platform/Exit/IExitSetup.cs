namespace TunnelMesh.Platform.Exit;

/// <summary>
/// Sets a system up for exit traffic, on either side, and puts everything back: at the end, or at the next start when the end did not come. One thread at a time.
/// </summary>
public interface IExitSetup : IDisposable
{
    /// <summary>Undoes what a process before this one left behind.</summary>
    /// <param name="keepBlock">A kill switch stays until <see cref="Use"/> takes it over, or <see cref="Revert"/> is called.</param>
    /// <returns>What was undone or could not be, for people; null when there was nothing.</returns>
    string? Recover(bool keepBlock);

    /// <summary>Lets others' traffic out.</summary>
    /// <exception cref="ExitException">The system refused; nothing is changed.</exception>
    void Serve(ExitServing serving);

    /// <summary>Leads this machine's traffic into the mesh.</summary>
    /// <param name="use">How.</param>
    /// <param name="leads">False leaves the traffic where it is for now; see <see cref="Lead"/>.</param>
    /// <exception cref="ExitException">The system refused; nothing is changed.</exception>
    void Use(ExitUse use, bool leads);

    /// <summary>Leads the traffic into the mesh from now on, or lets it go past.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    void Lead(bool leads);

    /// <summary>Puts in place what somebody else has taken away, and follows the networks that this machine is connected to.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    void Check();

    /// <summary>Adds the rules for packets again where somebody has taken them away. Runs programs of the system.</summary>
    /// <exception cref="ExitException">The system refused.</exception>
    void CheckRules();

    /// <summary>Puts everything back that this process changed.</summary>
    /// <returns>Why it failed; null when all is well.</returns>
    string? Revert();
}
