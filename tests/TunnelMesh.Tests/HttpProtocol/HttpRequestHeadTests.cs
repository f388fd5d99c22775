using System.Text;
using TunnelMesh.Protocol.Http;

namespace TunnelMesh.Tests.HttpProtocol;

public sealed class HttpRequestHeadTests
{
    [Theory]
    [InlineData("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/metrics")]
    [InlineData("HEAD /health?x=1 HTTP/1.1\r\nhost:a\r\nX-Y:\r\n\r\nbody", "HEAD", "/health")]
    [InlineData("GET / HTTP/1.0\r\n\r\n", "GET", "/")]
    [InlineData("get /%2e%2e/a HTTP/1.1\r\nHOST: a\r\n\r\n", "get", "/%2e%2e/a")]
    public void A_request_is_read(string text, string method, string path)
    {
        Assert.Equal(HttpHeadResult.Complete, HttpRequestHead.TryRead(Encoding.Latin1.GetBytes(text), out HttpRequestHead head));
        Assert.Equal((method, path), (head.Method, head.Path));
    }

    [Theory]
    [InlineData("GET /metrics HTTP/1.1\r\n\r\n")]
    [InlineData("GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")]
    [InlineData("GET /metrics HTTP/2.0\r\nHost: a\r\n\r\n")]
    [InlineData("GET  HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET /\r\nHost: a\r\n\r\n")]
    [InlineData("G(T / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData(" GET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost : a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n")]
    [InlineData("\r\n\r\n")]
    public void What_the_standard_refuses_is_refused(string text) =>
        Assert.Equal(HttpHeadResult.Malformed, HttpRequestHead.TryRead(Encoding.Latin1.GetBytes(text), out _));

    [Fact]
    public void More_may_follow_until_the_head_is_too_long()
    {
        byte[] bytes = Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nX: " + new string('a', HttpRequestHead.MaxBytes));
        Assert.Equal(HttpHeadResult.Incomplete, HttpRequestHead.TryRead([], out _));
        Assert.Equal(HttpHeadResult.Incomplete, HttpRequestHead.TryRead(bytes.AsSpan(0, HttpRequestHead.MaxBytes - 1), out _));
        Assert.Equal(HttpHeadResult.Malformed, HttpRequestHead.TryRead(bytes.AsSpan(0, HttpRequestHead.MaxBytes), out _));
    }
}
