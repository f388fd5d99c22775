using System.Text.Json;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Node.LocalApi;

namespace TunnelMesh.Cli.Hosting;

/// <summary>The mesh tokens as `token` shows, makes and revokes them on a coordinator.</summary>
/// <param name="coordinator">Has them.</param>
/// <param name="nameOf">Name of a device by its ID.</param>
/// <param name="clock">Clock.</param>
internal sealed class TokenReports(HostedCoordinator coordinator, Func<string, string> nameOf, TimeProvider clock)
{
    /// <summary>A state as people and JSON read it.</summary>
    public static string Name(TokenState state) => JsonNamingPolicy.SnakeCaseLower.ConvertName(state.ToString());

    /// <inheritdoc cref="ILocalApiHandler.TokensAsync"/>
    public async Task<IReadOnlyList<TokenReport>> ListAsync(CancellationToken cancellation)
    {
        DateTimeOffset now = clock.GetUtcNow();
        return [.. (await coordinator.LoadTokensAsync(cancellation).ConfigureAwait(false)).Select(t => new TokenReport
        {
            Id = t.Id,
            State = Name(t.StateAt(now)),
            Given = coordinator.GivenTokens.Contains(t.Id),
            Admitted = t.Uses,
            Uses = t.MaxUses,
            Added = DateTimeOffset.FromUnixTimeSeconds(t.Created),
            Expires = Time(t.Expires),
        })];
    }

    /// <inheritdoc cref="ILocalApiHandler.CreateTokenAsync"/>
    public async Task<NewTokenReport> CreateAsync(TimeSpan? life, long? uses, CancellationToken cancellation)
    {
        if ((TokenLimits.FaultOfLife(life?.TotalSeconds) ?? TokenLimits.FaultOfUses(uses)) is { } fault)
        {
            throw new LocalApiException(LocalErrorCodes.BadRequest, fault);
        }
        TokenRow token = await coordinator.CreateTokenAsync(clock.GetUtcNow() + life, uses, cancellation).ConfigureAwait(false)
            ?? throw new LocalApiException(LocalErrorCodes.Failed, "As many tokens are valid as may be at once, 256. Revoke some: `tunnelmesh token list` shows them.");
        return new NewTokenReport { Id = token.Id, Token = token.Secret, Expires = Time(token.Expires), Uses = token.MaxUses };
    }

    /// <inheritdoc cref="ILocalApiHandler.RevokeTokenAsync"/>
    public async Task<TokenRevokeReport> RevokeAsync(long id, bool withPeers, CancellationToken cancellation)
    {
        if (await coordinator.RevokeTokenAsync(id, withPeers, cancellation).ConfigureAwait(false) is not { } devices)
        {
            throw new LocalApiException(LocalErrorCodes.NotFound, $"There is no token with the number {id}. `tunnelmesh token list --all` shows all.");
        }
        IReadOnlyList<TokenRow> tokens = await coordinator.LoadTokensAsync(CancellationToken.None).ConfigureAwait(false);
        string secret = tokens.First(t => t.Id == id).Secret;
        string? file = null, problem = null;
        try
        {
            file = TokenSetup.RemoveFile(coordinator.DataDirectory, secret);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = $"{Path.Combine(coordinator.DataDirectory, TokenSetup.FileName)} holds the token and could not be removed: {e.Message} Remove it.";
        }
        DateTimeOffset now = clock.GetUtcNow();
        return new TokenRevokeReport
        {
            Id = id,
            Given = coordinator.GivenTokens.Contains(id),
            FileRemoved = file,
            Problem = problem,
            Devices = [.. devices.Select(nameOf).Order(StringComparer.Ordinal)],
            ValidTokens = tokens.Count(t => t.IsValid(now)),
        };
    }

    private static DateTimeOffset? Time(long? unixSeconds) => unixSeconds is { } time ? DateTimeOffset.FromUnixTimeSeconds(time) : null;
}
