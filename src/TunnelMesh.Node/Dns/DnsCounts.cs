namespace TunnelMesh.Node.Dns;

/// <summary>What a resolver has done since it started.</summary>
/// <param name="Answered">Queries answered from the mesh's own names, whether they exist or not.</param>
/// <param name="Refused">Queries refused: names of others that are not sent on for this asker, transfers, other classes.</param>
/// <param name="Forwarded">Queries sent on to another server.</param>
/// <param name="ForwardFailures">Of these, those that no server answered.</param>
/// <param name="Malformed">Queries that break the rules, or are of a kind that is not served.</param>
/// <param name="Strangers">Messages dropped because they came neither from this machine nor from the mesh.</param>
/// <param name="Limited">Queries dropped because their source asked too often.</param>
/// <param name="Unsent">Answers that the system did not take.</param>
/// <param name="Crowded">Queries on names of others that failed at once, as all places for those on their way were taken, or the asker's share of them.</param>
public readonly record struct DnsCounts(long Answered, long Refused, long Forwarded, long ForwardFailures, long Malformed, long Strangers, long Limited, long Unsent, long Crowded);
