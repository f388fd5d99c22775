using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Coordinator.Access;

/// <summary>The tokens that admit devices while the coordinator runs: taken over from the state, and made. Thread-safe.</summary>
/// <param name="state">Keeps them; stays the caller's.</param>
/// <param name="time">Clock.</param>
/// <param name="logger">Told of new tokens, by number.</param>
internal sealed class LiveTokens(ICoordinatorState state, TimeProvider time, ILogger logger) : IDisposable
{
    /// <summary>Tokens that may be valid at once: each join is tried against all of them.</summary>
    internal const int Most = 256;

    private readonly SemaphoreSlim _turn = new(1);
    private volatile TokenSet _current = new([], default);

    /// <summary>The tokens of now.</summary>
    internal TokenSet Current => _current;

    /// <summary>Takes over tokens added or revoked.</summary>
    /// <exception cref="StorageFailedException">The state cannot be read; the tokens stay as they were.</exception>
    internal async Task ReloadAsync(CancellationToken cancel)
    {
        // One after another, so that what was read first is not what stays.
        await _turn.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            _current = new TokenSet(await state.LoadTokensAsync(cancel).ConfigureAwait(false), time.GetUtcNow());
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc cref="Api.CoordinatorServer.CreateTokenAsync"/>
    internal async Task<TokenRow?> CreateAsync(DateTimeOffset? expires, long? uses, CancellationToken cancel)
    {
        DateTimeOffset now = time.GetUtcNow();
        if ((await state.LoadTokensAsync(cancel).ConfigureAwait(false)).Count(t => t.IsValid(now)) >= Most)
        {
            return null;
        }
        TokenRow row = await state.AddTokenAsync(MeshToken.Generate(RandomNumberGenerator.Fill), expires, uses, cancel).ConfigureAwait(false);
        CoordinatorLog.TokenCreated(logger, row.Id, expires?.ToString("u", CultureInfo.InvariantCulture) ?? "never", uses?.ToString(CultureInfo.InvariantCulture) ?? "any number");
        await ReloadAsync(CancellationToken.None).ConfigureAwait(false);
        return row;
    }

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();
}
