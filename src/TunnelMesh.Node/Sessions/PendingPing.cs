using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;

namespace TunnelMesh.Node.Sessions;

/// <summary>A ping on its way: waits for a session, then for its echo. Owned by the thread of the peer's lane; whoever asked waits for <see cref="Answer"/>.</summary>
internal sealed class PendingPing
{
    private readonly TaskCompletionSource<PingResult> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong? _challenge;
    private PathAddress _path;
    private long _sentAt, _changes;

    /// <summary>Ends with the echo, or never.</summary>
    public Task<PingResult> Answer => _answer.Task;

    /// <summary>True once the probe has gone.</summary>
    public bool IsSent => _challenge is not null;

    /// <summary>The probe has gone.</summary>
    /// <param name="challenge">What its echo brings back.</param>
    /// <param name="path">Over which path.</param>
    /// <param name="changes">How often the path to the device has changed until now.</param>
    /// <param name="now">Timestamp.</param>
    public void NoteSent(ulong challenge, in PathAddress path, long changes, long now) => (_challenge, _path, _changes, _sentAt) = (challenge, path, changes, now);

    /// <summary>A session begins: a probe that the peer could not open before its restart is not waited for, another one goes.</summary>
    public void NoteSession() => _challenge = null;

    /// <summary>An echo came back.</summary>
    /// <returns>False when it answers another probe.</returns>
    public bool NoteEcho(ulong challenge, in PathAddress source, TimeProvider time, long now)
    {
        if (_challenge != challenge || source != _path)
        {
            return false;
        }

        _answer.TrySetResult(new PingResult(PathNames.Of(source.Transport), source.Transport == PathTransport.Udp ? source.ToString() : null, time.GetElapsedTime(_sentAt, now), _changes));
        return true;
    }

    /// <summary>Nobody waits any more.</summary>
    public void Cancel() => _answer.TrySetCanceled();
}
