using System.Net.Sockets;
using System.Text;

namespace TunnelMesh.SystemTests.Services;

/// <summary>The side of a service manager that is told by sd_notify(3).</summary>
internal sealed class NotifiedManager : IDisposable
{
    private readonly Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly byte[] buffer = new byte[4096];

    public NotifiedManager(string path) => socket.Bind(new UnixDomainSocketEndPoint(path));

    /// <summary>The next message; fails when none comes within <paramref name="limit"/>.</summary>
    public async Task<string> NextAsync(TimeSpan limit, CancellationToken cancel)
    {
        using CancellationTokenSource timer = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        timer.CancelAfter(limit);
        return Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer, timer.Token));
    }

    /// <summary>True when nothing was told that has not been read.</summary>
    public bool IsQuiet => socket.Available == 0;

    public void Dispose() => socket.Dispose();
}
