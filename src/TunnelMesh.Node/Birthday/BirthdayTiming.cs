namespace TunnelMesh.Node.Birthday;

/// <summary>When and how much is tried between a hard and an easy NAT. All of it is ours: no RFC says it.</summary>
internal static class BirthdayTiming
{
    /// <summary>Sockets of one attempt. With 256 of 64,512 ports found at random, 1,718 probes hit with 99.9 %, 1,009 with 98.2 %.</summary>
    public const int Sockets = 256;

    /// <summary>With fewer, as where the system has no more, there is no attempt.</summary>
    public const int FewestSockets = 64;

    /// <summary>Sockets opened, or sent from, before the lane has its turn with packets.</summary>
    public const int SocketsAStep = 16;

    /// <summary>Between such steps.</summary>
    public static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    /// <summary>When each socket sends, from the beginning of the attempt: at once, again for what was lost, and then to keep the NAT from forgetting.</summary>
    public static readonly TimeSpan[] Rounds = [TimeSpan.Zero, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10)];

    /// <summary>Between calls to the other side.</summary>
    public static readonly TimeSpan Call = TimeSpan.FromSeconds(1);

    /// <summary>Without a call for this long the other side has given up, or cannot be heard.</summary>
    public static readonly TimeSpan CallLife = TimeSpan.FromSeconds(2.5);

    /// <summary>How long addresses are tried alone before sockets are opened.</summary>
    public static readonly TimeSpan PlainFirst = TimeSpan.FromSeconds(1);

    /// <summary>An attempt, and a hunt, are given up after this.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    /// <summary>Before the next attempt after one that failed, at first and at most; doubled in between.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromMinutes(1), LongestPause = TimeSpan.FromHours(1);

    /// <summary>Before the next attempt after one that led somewhere.</summary>
    public static readonly TimeSpan ShortPause = TimeSpan.FromSeconds(10);

    /// <summary>No hunt for the same peer begins again within this of one that failed, whatever it asks for.</summary>
    public static readonly TimeSpan HuntPause = TimeSpan.FromSeconds(45);

    /// <summary>Before it is asked again whether it is this hunt's turn.</summary>
    public static readonly TimeSpan Turn = TimeSpan.FromMilliseconds(100);

    /// <summary>What a peer has said of its NAT counts for this long; while there is traffic and no direct way it is said anew every 30 s.</summary>
    public static readonly TimeSpan WordLife = TimeSpan.FromMinutes(2);

    /// <summary>Sockets over which the peer was heard, but which are not used, stay open for this long: the other side may have chosen another one.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>A socket that carried is closed when nothing was heard over it for this long.</summary>
    public static readonly TimeSpan Forget = TimeSpan.FromMinutes(3);
}
