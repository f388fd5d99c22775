using TunnelMesh.Cli.BugReports;

namespace TunnelMesh.Tests.Cli;

public sealed class RedactorTests
{
    // % stands for a secret. What is behind it on its line, where anything is, is not part of it.
    private static readonly string[] Lines =
    [
        "Authorization: Basic %", "authorization: Bearer %", "Proxy-Authorization: Digest username=\"bob\", response=%", "HTTP_AUTHORIZATION=Basic %",
        "Cookie: session=%; other=%", "set-cookie: %; Path=/", "X-Api-Key: %", "X-Auth-Token: %", "password = %", "PASSWD:%", "db_pass=%", "secret: %", "client-secret = %",
        "AWS_SECRET_ACCESS_KEY=%", "access key: %", "access-key=%", "API KEY = %", "api_key=%", "ApiKey: %", "private_key: %", "private key = %", "PrivateKey = %", "token=%", "refresh_token => %",
        "curl --token %", "psql --db-password=%", "2026-01-01T00:00:00Z info peer password: %", "credentials = %",
    ];

    private static readonly (string Line, string Stays)[] Quoted =
    [
        ("{\"password\":\"%\",\"port\":22}", "\"port\":22"), ("{'api key': '%', 'port': 22}", "'port': 22"), ("log={\\\"token\\\":\\\"%\\\",\\\"port\\\":22}", "\\\"port\\\":22"),
        ("curl -H 'Authorization: Basic %' https://a.example/", "https://a.example/"), ("curl -H \"Cookie: %\" https://a.example/", "https://a.example/"),
        ("run --secret '%' --port 22", "--port 22"), ("error=\"password: %\" port=22", "port=22"), ("password=\"%\" port=22", "port=22"), ("<x access_key=\"%\" port=\"22\"/>", "port=\"22\""),
        ("http://bob:%@host.example:8080/path", "host.example:8080/path"), ("proxy https://%@host.example failed", "host.example failed"), ("[\"redis://:%@host.example\",\"b@c\"]", "host.example\",\"b@c\""),
    ];

    private static string Clean(string text) => new Redactor().Clean(text);

    [Theory]
    [InlineData("Authorization: Basic Ym9iOmh1bnRlcjI=", "Authorization: [left out]")]
    [InlineData("proxy-authorization: Bearer abc def\r\nHost: a", "proxy-authorization: [left out]\r\nHost: a")]
    [InlineData("a: 1\npassword = two words\nb: 2", "a: 1\npassword = [left out]\nb: 2")]
    [InlineData("AWS_SECRET_ACCESS_KEY=AKIA/x+1/ij", "AWS_SECRET_ACCESS_KEY=[left out]")]
    [InlineData("{\"password\": 12345678, \"port\": 22}", "{\"password\": [left out], \"port\": 22}")]
    [InlineData("{\"tokens\": [\"first one\", \"second phrase\"], \"port\": 22}\nb: 2", "{\"tokens\": [left out]\nb: 2")]
    [InlineData("password: 'it's mine' # old", "password: '[left out]' # old")]
    [InlineData("password=\"unclosed and on", "password=\"[left out]")]
    [InlineData("password=\"a\\\"b c\" port=22", "password=\"[left out]\" port=22")]
    [InlineData("http://bob:p@ss/w?rd#1@host/x", "http://[left out]@host/x")]
    [InlineData("-----BEGIN PGP PRIVATE KEY BLOCK-----\nabc\n-----END PGP PRIVATE KEY BLOCK-----\nrest", "[private key left out]\nrest")]
    public void A_secret_goes_to_its_end_and_what_is_beside_it_stays(string text, string expected) => Assert.Equal(expected, Clean(text));

    [Theory]
    [InlineData("token=12 state=revoked")]
    [InlineData("handshakes cookie_sent=3, \"invalid_cookie\":0, passed: 7, bypass=1")]
    [InlineData("the token is read from the environment; a password has not been asked for")]
    [InlineData("password:\nport: 22\ntoken =\nsecret: \"\"")]
    [InlineData("https://host.example:8443/a@b http://host:80 wss://[2001:db8::1]:8443/x@y")]
    [InlineData("monkey=1 keyboard: us old_key=nas compass: north")]
    public void What_is_no_secret_stays(string text) => Assert.Equal(text, Clean(text));

    [Fact]
    public void No_secret_of_any_letters_stays_behind_a_name_that_says_it_is_one()
    {
        Random random = new(20260101);
        for (int round = 0; round < 4000; round++)
        {
            string secret = Secret(random, "");
            string line = Lines[random.Next(Lines.Length)].Replace("%", secret, StringComparison.Ordinal);
            Check($"before stays\n{line}\nafter stays", secret, "before stays", "after stays");

            (string frame, string stays) = Quoted[random.Next(Quoted.Length)];
            // Whoever writes it between quotes writes none into it, and no white space into a URL.
            secret = Secret(random, frame.Contains("://%", StringComparison.Ordinal) || frame.Contains(":%@", StringComparison.Ordinal) ? "\"'`\\ /?#@:<>" : "\"'`\\");
            Check($"before stays\n{frame.Replace("%", secret, StringComparison.Ordinal)}\nafter stays", secret, "before stays", "after stays", stays);
        }

        static void Check(string text, string secret, params string[] stay)
        {
            string clean = Clean(text);
            Assert.False(clean.Contains(secret, StringComparison.Ordinal), $"{text}\n->\n{clean}");
            // Nor a half of it.
            Assert.False(clean.Contains(secret[(secret.Length / 2)..], StringComparison.Ordinal), $"{text}\n->\n{clean}");
            Assert.All(stay, s => Assert.True(clean.Contains(s, StringComparison.Ordinal), $"{text}\n->\n{clean}"));
        }
    }

    [Fact]
    public void A_long_line_of_names_and_quotes_takes_no_long_time()
    {
        string[] lines = [new string('"', 1 << 18), string.Concat(Enumerable.Repeat("token", 1 << 16)), string.Concat(Enumerable.Repeat("password=\"a ", 1 << 14)), string.Concat(Enumerable.Repeat("a.", 1 << 17)), string.Concat(Enumerable.Repeat("x://", 1 << 13))];
        foreach (string line in lines)
        {
            long begin = TimeProvider.System.GetTimestamp();
            Clean(line);
            TimeSpan took = TimeProvider.System.GetElapsedTime(begin);
            Assert.True(took < TimeSpan.FromSeconds(20), $"{line[..10]}: {took}");
        }
    }

    // Printable, with letters at both ends that nothing of the lines above has; spaces in it as well.
    private static string Secret(Random random, string without)
    {
        int length = random.Next(8, 30);
        char[] all = [.. Enumerable.Range(0, length).Select(_ => Draw())];
        return $"Q{new string(all)}Z~{random.Next(1000, 10000)}Z";

        char Draw()
        {
            char c;
            do
            {
                c = (char)random.Next(' ', 127);
            }
            while (without.Contains(c, StringComparison.Ordinal));
            return c;
        }
    }
}
