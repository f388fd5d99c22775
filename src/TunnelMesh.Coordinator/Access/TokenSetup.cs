using System.Text;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Coordinator.Access;

/// <summary>
/// The tokens a coordinator starts with. Those of the environment become rows and stay valid until they are revoked, also when
/// the variable no longer names them. Without any, one is made and kept in a file.
/// </summary>
public static class TokenSetup
{
    /// <summary>File of the token that is made when none is given, in the data directory; mode 0600.</summary>
    public const string FileName = "mesh-token";

    /// <summary>Stores the tokens given, or makes one when none is given and the state has none.</summary>
    /// <param name="state">Takes the tokens.</param>
    /// <param name="environment">The text of TUNNELMESH_TOKEN: tokens separated by commas; null or empty when it is not set.</param>
    /// <param name="dataDirectory">For the file; made with mode 0700 if absent.</param>
    /// <param name="random">Fills a span, for example <c>RandomNumberGenerator.Fill</c>.</param>
    /// <param name="cancel">Ends the wait for the disk's queue.</param>
    /// <exception cref="TokenSetupException">A token given, or the file of an earlier one, is not good; nothing was stored.</exception>
    /// <exception cref="StorageFailedException">The state cannot be written.</exception>
    /// <exception cref="IOException">The file cannot be written or read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file or directory may not be used by this user.</exception>
    public static async Task<TokenSetupResult> EnsureAsync(ICoordinatorState state, string? environment, string dataDirectory, Action<Span<byte>> random, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(state);
        if (!string.IsNullOrWhiteSpace(environment))
        {
            if (!MeshToken.ParseList(environment, out IReadOnlyList<string> given, out string error))
            {
                throw new TokenSetupException(error);
            }
            List<TokenRow> rows = [];
            foreach (string token in given)
            {
                rows.Add(await state.AddTokenAsync(token, null, null, cancel).ConfigureAwait(false));
            }
            return new TokenSetupResult(null, rows);
        }
        // Also when all are revoked none is made: somebody has closed the mesh on purpose.
        if ((await state.LoadTokensAsync(cancel).ConfigureAwait(false)).Count > 0)
        {
            return new TokenSetupResult(null, []);
        }
        string file = Path.Combine(dataDirectory, FileName);
        string own = File.Exists(file) ? Read(file) : Make(file, random);
        await state.AddTokenAsync(own, null, null, cancel).ConfigureAwait(false);
        return new TokenSetupResult(file, []);
    }

    /// <summary>Removes the file of a token that was revoked: it would only mislead, and would come back with a mesh founded anew in its directory.</summary>
    /// <param name="dataDirectory">Where the file is.</param>
    /// <param name="secret">The token that was revoked.</param>
    /// <returns>The file that was removed; null when there is none, or one with another token, which stays.</returns>
    /// <exception cref="IOException">The file cannot be read or removed.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read or removed.</exception>
    public static string? RemoveFile(string dataDirectory, string secret)
    {
        string file = Path.Combine(dataDirectory, FileName);
        if (!File.Exists(file) || !MeshToken.TryParse(File.ReadAllText(file), out string token, out _) || token != secret)
        {
            return null;
        }
        File.Delete(file);
        return file;
    }

    // Left by a start that ended before the state had it.
    private static string Read(string file) =>
        MeshToken.TryParse(File.ReadAllText(file), out string token, out string error)
            ? token
            : throw new TokenSetupException($"{file} holds no good token: {error} Remove the file to have a new token made.");

    private static string Make(string file, Action<Span<byte>> random)
    {
        string token = MeshToken.Generate(random);
        OwnFiles.MakeDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        OwnFiles.WriteNew(file, Encoding.ASCII.GetBytes(token + "\n"));
        return token;
    }
}
