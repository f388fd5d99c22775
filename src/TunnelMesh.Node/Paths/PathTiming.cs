namespace TunnelMesh.Node.Paths;

/// <summary>When paths are probed, doubted and given up. What is not marked otherwise is ours: no RFC says it.</summary>
internal static class PathTiming
{
    /// <summary>Without data for this long a peer is silent: its paths are not probed.</summary>
    public static readonly TimeSpan ActiveSpan = TimeSpan.FromMinutes(2);

    /// <summary>While something was sent within this long, the path it goes over is watched.</summary>
    public static readonly TimeSpan BusySpan = TimeSpan.FromSeconds(1);

    /// <summary>Between looks at a path that is watched.</summary>
    public static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    /// <summary>The least time without an answer after which a path is asked whether it lives; two round trips where they are longer.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(100);

    /// <summary>The least time that an asked path may take before it is left; three round trips where they are longer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(300);

    /// <summary>The same for a path over which something comes in, but no answer: only one way of it may be gone; five round trips where they are longer.</summary>
    public static readonly TimeSpan OneWayPatience = TimeSpan.FromSeconds(1);

    /// <summary>Between questions at full size on a path that is in use.</summary>
    public static readonly TimeSpan Check = TimeSpan.FromSeconds(2);

    /// <summary>Between attempts at full size on a path that is used with less (RFC 8899, section 5.3, has 10 minutes).</summary>
    public static readonly TimeSpan Grow = TimeSpan.FromMinutes(1);

    /// <summary>After a new session, or a word that a peer is probing us, its paths are tried for this long even without data.</summary>
    public static readonly TimeSpan Wanted = TimeSpan.FromSeconds(10);

    /// <summary>After this long without data a path is asked before it is trusted again: mappings of NATs end after 30 s at the worst (RFC 4787, REQ-5 asks for 120).</summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromSeconds(25);

    /// <summary>Keeps mappings of NATs open while the peer is active.</summary>
    public static readonly TimeSpan KeepOpen = TimeSpan.FromSeconds(20);

    /// <summary>Between questions to a proven path that is not in use.</summary>
    public static readonly TimeSpan Spare = TimeSpan.FromSeconds(10);

    /// <summary>Between attempts on a path that once worked, while a worse one is in use.</summary>
    public static readonly TimeSpan Healing = TimeSpan.FromSeconds(1);

    /// <summary>Between attempts on a path that never worked, at first and at most; doubled in between.</summary>
    public static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(2), LastRetry = TimeSpan.FromSeconds(15);

    /// <summary>Between requests to meet at the coordinator, at first and at most; doubled in between.</summary>
    public static readonly TimeSpan FirstMeeting = TimeSpan.FromSeconds(2), LastMeeting = TimeSpan.FromSeconds(30);

    /// <summary>How long an address is kept that the map does not name, after the peer was last heard there.</summary>
    public static readonly TimeSpan Forget = TimeSpan.FromMinutes(1);

    /// <summary>Between changes to a path that is merely faster.</summary>
    public static readonly TimeSpan Settled = TimeSpan.FromSeconds(10);

    /// <summary>A path that answers at no size at all for this long after its patience, with no other to take, asks for a new handshake: the peer may have been restarted.</summary>
    public static readonly TimeSpan Lost = TimeSpan.FromMilliseconds(300);

    /// <summary>Before it asks again.</summary>
    public static readonly TimeSpan LostAgain = TimeSpan.FromSeconds(5);

    /// <summary>While something was sent within this long, a path without an answer counts as lost: programs that wait for an answer send seldom.</summary>
    public static readonly TimeSpan Trying = TimeSpan.FromSeconds(5);

    /// <summary>After the coordinator has said that a device has gone, what was under way from it may still come for this long.</summary>
    public static readonly TimeSpan Parting = TimeSpan.FromMilliseconds(250);

    /// <summary>Waits between the first probes of a path; both sides send, so that NATs between them open.</summary>
    public static ReadOnlySpan<int> BurstMilliseconds => [50, 100, 150, 250, 450, 1000];
}
