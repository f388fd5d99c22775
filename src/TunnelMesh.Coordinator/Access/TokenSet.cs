using System.Security.Cryptography;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Coordinator.Access;

/// <summary>The tokens that may admit a device, with their derived keys. Immutable and thread-safe; made anew when a token changes.</summary>
public sealed class TokenSet
{
    private readonly (TokenRow Row, byte[] Key)[] _tokens;

    /// <summary>Derives the key of each token that is not over.</summary>
    /// <param name="tokens">All tokens.</param>
    /// <param name="now">Wall clock.</param>
    public TokenSet(IEnumerable<TokenRow> tokens, DateTimeOffset now) =>
        _tokens = tokens.Where(t => !t.IsOver(now)).Select(t => (t, JoinProofs.TokenKey(t.Secret))).ToArray();

    /// <summary>Finds the token a peer has proved to know. Takes the same time whichever token it is, or none.</summary>
    /// <param name="proof">The peer's proof as received; any length.</param>
    /// <param name="transcript">The transcript, 32 bytes.</param>
    /// <param name="now">Wall clock: ended and used-up tokens do not count.</param>
    /// <param name="coordinatorProof">What to answer with, 32 bytes; empty without a match.</param>
    /// <returns>The token's ID, or null. The registration checks it again in its transaction.</returns>
    public long? Match(ReadOnlySpan<byte> proof, ReadOnlySpan<byte> transcript, DateTimeOffset now, out byte[] coordinatorProof)
    {
        int found = -1;
        byte[] answer = new byte[JoinProofs.ProofBytes];
        for (int i = 0; i < _tokens.Length; i++)
        {
            // Everything is computed for every token, so that neither place nor match shows in the time taken.
            byte[] mine = JoinProofs.CoordinatorTokenProof(_tokens[i].Key, transcript);
            bool match = JoinProofs.VerifyPeerToken(proof, _tokens[i].Key, transcript) & _tokens[i].Row.IsValid(now);
            int mask = -(match ? 1 : 0);
            found = (found & ~mask) | (i & mask);
            for (int b = 0; b < answer.Length; b++)
            {
                answer[b] = (byte)((answer[b] & ~mask) | (mine[b] & mask));
            }
            CryptographicOperations.ZeroMemory(mine);
        }
        coordinatorProof = found < 0 ? [] : answer;
        return found < 0 ? null : _tokens[found].Row.Id;
    }
}
