namespace TunnelMesh.Protocol.Identity;

/// <summary>The shared secret that admits a device: hexadecimal, at least 128 bits.</summary>
public static class MeshToken
{
    private const int MinHexDigits = 32;
    private const int MaxHexDigits = 1024;

    /// <summary>Checks and normalises (trimmed, lower case) a token. The error never repeats the token.</summary>
    /// <param name="text">As given by the user.</param>
    /// <param name="normalized">The token, or an empty string.</param>
    /// <param name="error">For people, or an empty string.</param>
    public static bool TryParse(string? text, out string normalized, out string error)
    {
        normalized = "";
        error = "";
        string trimmed = text?.Trim() ?? "";
        if (trimmed.Length == 0)
        {
            error = "The mesh token is empty. Make one with: openssl rand -hex 32, and set it as TUNNELMESH_TOKEN on every machine.";
        }
        else if (trimmed.Contains(',', StringComparison.Ordinal) && ParseList(trimmed, out _, out _))
        {
            error = "The mesh token has a comma in it. Only a coordinator takes a list of tokens; to join, set TUNNELMESH_TOKEN to one of them.";
        }
        else if (!trimmed.All(char.IsAsciiHexDigit))
        {
            error = "The mesh token is not hexadecimal. Make one with: openssl rand -hex 32";
        }
        else if (trimmed.Length < MinHexDigits)
        {
            error = $"The mesh token has {trimmed.Length * 4} bits; at least 128 are needed, or it can be guessed. Make one with: openssl rand -hex 32";
        }
        else if (trimmed.Length > MaxHexDigits)
        {
            error = $"The mesh token has more than {MaxHexDigits} digits. Make one with: openssl rand -hex 32";
        }
        else
        {
            normalized = trimmed.ToLowerInvariant();
            return true;
        }
        return false;
    }

    /// <summary>Several tokens separated by commas, doubles dropped; all must be good.</summary>
    /// <param name="text">As given by the user.</param>
    /// <param name="tokens">Normalised tokens in order, or an empty list.</param>
    /// <param name="error">For people, or an empty string.</param>
    public static bool ParseList(string? text, out IReadOnlyList<string> tokens, out string error)
    {
        List<string> list = [];
        tokens = [];
        string[] parts = (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        error = "";
        if (parts.Length == 0)
        {
            return TryParse("", out _, out error);
        }
        for (int i = 0; i < parts.Length; i++)
        {
            if (!TryParse(parts[i], out string token, out error))
            {
                error = parts.Length == 1 ? error : $"Token {i + 1} of {parts.Length}: {error}";
                return false;
            }
            if (!list.Contains(token))
            {
                list.Add(token);
            }
        }
        tokens = list;
        return true;
    }

    /// <summary>A new token of 256 bits: 64 hex digits.</summary>
    /// <param name="random">Fills a span, for example <c>RandomNumberGenerator.Fill</c>.</param>
    public static string Generate(Action<Span<byte>> random)
    {
        ArgumentNullException.ThrowIfNull(random);
        Span<byte> bytes = stackalloc byte[32];
        random(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
