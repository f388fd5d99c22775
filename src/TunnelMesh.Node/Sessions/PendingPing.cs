using TunnelMesh.Node.DataPlane;
using TunnelMesh.Node.Paths;

namespace TunnelMesh.Node.Sessions;

/// <summary>A ping on its way: waits for a session, then for its echo. Owned by the thread of the peer's lane; whoever asked waits for <see cref="Answer"/>.</summary>
internal sealed class PendingPing
{
    private readonly TaskCompletionSource<PingResult> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong? _challenge;
    private PathAddress _path;
    private long _sentAt;

    /// <summary>Ends with the echo, or never.</summary>
    public Task<PingResult> Answer => _answer.Task;

    /// <summary>True once the probe has gone.</summary>
    public bool IsSent => _challenge is not null;

    /// <summary>The probe has gone.</summary>
    public void NoteSent(ulong challenge, in PathAddress path, long now) => (_challenge, _path, _sentAt) = (challenge, path, now);

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

        _answer.TrySetResult(new PingResult(PathNames.Of(source.Transport), source.Transport == PathTransport.Udp ? source.ToString() : null, time.GetElapsedTime(_sentAt, now)));
        return true;
    }

    /// <summary>Nobody waits any more.</summary>
    public void Cancel() => _answer.TrySetCanceled();
}
