using System.Security.Cryptography;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Coordinator;

public sealed class TokenSetupTests : IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"tm-{Guid.NewGuid():N}");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string TokenFile => Path.Combine(_directory, TokenSetup.FileName);

    public void Dispose() => Directory.Delete(_directory, true);

    private SqliteState Open() => SqliteState.Open(new SqliteStateOptions { File = Path.Combine(_directory, "state.db") });

    private Task<TokenSetupResult> EnsureAsync(SqliteState state, string? text) => TokenSetup.EnsureAsync(state, text, _directory, RandomNumberGenerator.Fill, Cancel);

    private static async Task<string[]> SecretsAsync(SqliteState state) => [.. (await state.LoadTokensAsync(Cancel)).Select(t => t.Secret)];

    [Fact]
    public async Task Tokens_given_become_rows_and_stay_when_they_are_given_no_more()
    {
        string one = new('a', 32), two = new('b', 64);
        await using SqliteState state = Open();
        TokenSetupResult first = await EnsureAsync(state, $"{one.ToUpperInvariant()}, {two}");
        Assert.Null(first.File);
        Assert.Equal([1L, 2L], first.Given.Select(t => t.Id));
        Assert.Null((await EnsureAsync(state, null)).File);
        Assert.Equal([one, two], await SecretsAsync(state));
        Assert.False(File.Exists(TokenFile));
        await state.RevokeTokenAsync(1, withDevices: false, Cancel);
        Assert.Equal([TokenState.Revoked, TokenState.Valid], (await EnsureAsync(state, $"{one},{two}")).Given.Select(t => t.StateAt(DateTimeOffset.UtcNow)));
        Assert.True((await state.LoadTokensAsync(Cancel))[0].Revoked);
    }

    [Fact]
    public async Task A_short_token_is_refused_with_the_command_that_makes_a_good_one_and_nothing_is_stored()
    {
        await using SqliteState state = Open();
        string secret = "deadbeefdeadbeef";
        TokenSetupException refused = await Assert.ThrowsAsync<TokenSetupException>(() => EnsureAsync(state, $"{new string('a', 32)},{secret}"));
        Assert.Contains("openssl rand -hex 32", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, refused.Message, StringComparison.Ordinal);
        Assert.Empty(await state.LoadTokensAsync(Cancel));
    }

    [Fact]
    public async Task Without_any_token_one_is_made_in_a_file_for_its_owner_only()
    {
        await using SqliteState state = Open();
        Assert.Equal(TokenFile, (await EnsureAsync(state, " ")).File);
        Assert.True(MeshToken.TryParse(await File.ReadAllTextAsync(TokenFile, Cancel), out string token, out _));
        Assert.Equal([token], await SecretsAsync(state));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(TokenFile));
        }
        Assert.Null((await EnsureAsync(state, null)).File);
        await state.RevokeTokenAsync(1, withDevices: false, Cancel);
        Assert.Null((await EnsureAsync(state, null)).File);
        Assert.Equal([token], await SecretsAsync(state));
    }

    [Fact]
    public async Task The_file_of_a_revoked_token_goes_and_no_other()
    {
        await using SqliteState state = Open();
        await EnsureAsync(state, null);
        string token = (await SecretsAsync(state))[0];
        Assert.Null(TokenSetup.RemoveFile(_directory, new string('a', 64)));
        Assert.True(File.Exists(TokenFile));
        Assert.Equal(TokenFile, TokenSetup.RemoveFile(_directory, token));
        Assert.False(File.Exists(TokenFile));
        Assert.Null(TokenSetup.RemoveFile(_directory, token));
    }

    [Fact]
    public async Task A_start_that_was_cut_short_goes_on_with_its_file_and_damage_is_named()
    {
        await using SqliteState state = Open();
        await File.WriteAllTextAsync(TokenFile, "damaged", Cancel);
        Assert.Contains(TokenFile, (await Assert.ThrowsAsync<TokenSetupException>(() => EnsureAsync(state, null))).Message, StringComparison.Ordinal);
        Assert.Equal("damaged", await File.ReadAllTextAsync(TokenFile, Cancel));
        string token = new('c', 64);
        await File.WriteAllTextAsync(TokenFile, token + "\n", Cancel);
        Assert.Equal(TokenFile, (await EnsureAsync(state, null)).File);
        Assert.Equal([token], await SecretsAsync(state));
    }
}
