using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using TunnelMesh.Coordinator.Api;
using TunnelMesh.Coordinator.Logging;

namespace TunnelMesh.Tests.Coordinator;

/// <summary>What a connection costs a coordinator before anybody has proved anything on it.</summary>
public sealed class StrangerConnectionTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bytes_that_no_TLS_begins_with_are_no_error_of_the_coordinator_and_fill_no_log()
    {
        Lines log = new();
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with { Logger = log });
        int before = log.Written.Count;
        // An alert (RFC 8446, section 6) before any handshake.
        byte[] alert = [21, 3, 3, 0, 2, 2, 40];
        for (int i = 0; i < RefusalLog.Burst + 60; i++)
        {
            using TcpClient stranger = new();
            await stranger.ConnectAsync(IPAddress.Loopback, mesh.Server.Port, Cancel);
            await stranger.GetStream().WriteAsync(alert, Cancel);
            Exception? ended = await Record.ExceptionAsync(async () => Assert.Equal(0, await stranger.GetStream().ReadAsync(new byte[1], Cancel)));
            Assert.True(ended is null or IOException, $"{ended}");
        }
        (LogLevel Level, string Text)[] written = [.. log.Written.Skip(before)];
        Assert.DoesNotContain(written, l => l.Level >= LogLevel.Error);
        // A few more than the burst, for the time that has passed.
        Assert.InRange(written.Count(l => l.Text.Contains("could not be served", StringComparison.Ordinal)), 1, RefusalLog.Burst + 30);
    }

    [Fact]
    public async Task Whoever_asks_and_never_reads_the_answers_is_held_up_after_little()
    {
        const int kernel = 16 * 1024;
        await using TestMesh mesh = await TestMesh.StartAsync(o => o with
        {
            ConfigureSocket = s => (s.ReceiveBufferSize, s.SendBufferSize) = (kernel, kernel),
        });
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = kernel, SendBufferSize = kernel };
        await socket.ConnectAsync(IPAddress.Loopback, mesh.Server.Port, Cancel);
        await using SslStream tls = new(new NetworkStream(socket), false, (_, certificate, _, _) => certificate is not null);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "hub" }, Cancel);
        byte[] requests = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("GET /health HTTP/1.1\r\nHost: x\r\n\r\n", 100)));
        int taken = 0;
        while (taken < 8 * Listener.MaxUnread)
        {
            Task sending = tls.WriteAsync(requests, Cancel).AsTask();
            if (await Task.WhenAny(sending, Task.Delay(TimeSpan.FromSeconds(1), Cancel)) != sending)
            {
                break;
            }
            await sending;
            taken += requests.Length;
        }
        Assert.InRange(taken, 1, 5 * Listener.MaxUnread);
    }

    private sealed class Lines : ILogger
    {
        public ConcurrentQueue<(LogLevel Level, string Text)> Written { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Written.Enqueue((logLevel, formatter(state, exception)));
    }
}
