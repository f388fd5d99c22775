namespace TunnelMesh.Platform.Services;

/// <summary>Runs the programs of a service manager; no shell reads their arguments.</summary>
public interface IServiceRunner
{
    /// <summary>Runs one that has something to do, to its end.</summary>
    /// <param name="command">Program and arguments.</param>
    /// <exception cref="ServiceException">It does not run, or fails; the message tells what it said.</exception>
    void Run(IReadOnlyList<string> command);

    /// <summary>Runs one that has something to show, with this process's terminal as its own.</summary>
    /// <param name="command">Program and arguments.</param>
    /// <returns>Its exit code.</returns>
    /// <exception cref="ServiceException">It does not run.</exception>
    int Show(IReadOnlyList<string> command);

    /// <summary>Runs one that shows what comes, with this process's terminal as its own, until this process is interrupted (Ctrl-C) or told to end, which ends it.</summary>
    /// <param name="command">Program and arguments.</param>
    /// <returns>0 when it was ended so, else its exit code.</returns>
    /// <exception cref="ServiceException">It does not run.</exception>
    int Follow(IReadOnlyList<string> command);

    /// <summary>Runs one whose answer this program reads.</summary>
    /// <param name="command">Program and arguments.</param>
    /// <returns>Its exit code and what it said.</returns>
    /// <exception cref="ServiceException">It does not run.</exception>
    (int Code, string Output) Ask(IReadOnlyList<string> command);
}
