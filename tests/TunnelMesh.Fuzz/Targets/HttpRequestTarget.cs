using TunnelMesh.Protocol.Http;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>Heads of HTTP/1 requests. Nothing throws, a request that came whole is read alike however it was cut, and nothing in it splits a line of a log.</summary>
internal static class HttpRequestTarget
{
    public static FuzzTarget Create() => new("http-request",
        [
            "GET /metrics HTTP/1.1\r\nHost: 10.42.0.1:9443\r\nAccept: text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\nAccept-Encoding: gzip\r\n\r\n"u8.ToArray(),
            "HEAD /health?verbose HTTP/1.0\r\n\r\n"u8.ToArray(),
            "GET http://a/metrics HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(),
            "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc"u8.ToArray(),
            "GET / HTTP/1.1\r\nHost: a\r\n folded\r\nX : y\r\n\r\n"u8.ToArray(),
        ],
        Run);

    private static void Run(ReadOnlyMemory<byte> input)
    {
        ReadOnlySpan<byte> bytes = input.Span[..Math.Min(input.Length, HttpRequestHead.MaxBytes)];
        HttpHeadResult result = HttpRequestHead.TryRead(bytes, out HttpRequestHead head);
        int end = bytes.IndexOf("\r\n\r\n"u8);
        Check.That(result == HttpHeadResult.Incomplete == (end < 0 && bytes.Length < HttpRequestHead.MaxBytes), "whether the end has come");
        if (result != HttpHeadResult.Complete)
        {
            return;
        }
        Check.That(head.Method.Length > 0 && head.Path.StartsWith('/') && !head.Path.Contains('?'), "a request without method or path");
        Check.That(!(head.Method + head.Path).Any(c => c is <= ' ' or > '~'), "a character that does not belong there");
        // A body that follows does not matter, and nothing shorter is taken for whole.
        Check.That(HttpRequestHead.TryRead(bytes[..(end + 4)], out HttpRequestHead alone) == HttpHeadResult.Complete && alone == head, "the body counts");
        Check.That(HttpRequestHead.TryRead(bytes[..(end + 3)], out _) == HttpHeadResult.Incomplete, "a request that is not whole");
    }
}
