using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace TunnelMesh.Platform.Sockets;

/// <summary>
/// Keeps the mesh's own sockets on the interface by which the internet is reached, where packets cannot be marked (macOS, Windows): a user of an exit peer leads everything else into the mesh, and
/// what carries the mesh must not follow. A socket whose interface has no way any more sends nothing until there is another, since without an interface it would send into the mesh. Any thread.
/// </summary>
public sealed class InterfaceBinding
{
    // A socket is made for each question to a name server: the routes are not read for every one.
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private readonly IInterfaceOption _option;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();

    // Only those that live are kept.
    private readonly ConditionalWeakTable<Socket, object?> _sockets = new();
    private int _v4, _v6;
    private long _readAt;
    private bool _wasRead;

    internal InterfaceBinding(IInterfaceOption option, TimeProvider time)
    {
        (_option, _time) = (option, time);
        // Until there is a way, everything is refused: what goes to the internet by the loopback interface goes nowhere.
        (_v4, _v6) = (Loopback(() => NetworkInterface.LoopbackInterfaceIndex), Loopback(() => NetworkInterface.IPv6LoopbackInterfaceIndex));
    }

    /// <summary>For this system; null where packets are marked instead, or nothing of the kind is known.</summary>
    /// <param name="time">Clock.</param>
    public static InterfaceBinding? Create(TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(time);
        return OperatingSystem.IsMacOS() ? new InterfaceBinding(new MacOSInterfaceOption(), time)
            : OperatingSystem.IsWindows() ? new InterfaceBinding(new WindowsInterfaceOption(), time)
            : null;
    }

    /// <summary>Keeps a socket on the interface of the moment, and of each moment after it while it lives.</summary>
    /// <param name="socket">Of IPv4 or IPv6; not bound or connected yet, or accepted just now.</param>
    /// <exception cref="SocketException">The system refused.</exception>
    public void Configure(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        lock (_gate)
        {
            if (!_wasRead || _time.GetElapsedTime(_readAt) >= Fresh)
            {
                Look();
            }

            Set(socket);
            _sockets.AddOrUpdate(socket, null);
        }
    }

    /// <summary>Looks by which interface the internet is reached, and moves the sockets there when it is another.</summary>
    public void Refresh()
    {
        lock (_gate)
        {
            Look();
        }
    }

    private void Look()
    {
        (int v4, int v6) before = (_v4, _v6), now;
        try
        {
            now = _option.ReadWays();
        }
        catch (IOException)
        {
            // Where they were they are safe.
            return;
        }

        (_wasRead, _readAt) = (true, _time.GetTimestamp());
        // A way that is gone is kept: see above.
        (_v4, _v6) = (now.v4 != 0 ? now.v4 : _v4, now.v6 != 0 ? now.v6 : _v6);
        if ((_v4, _v6) == before)
        {
            return;
        }

        foreach ((Socket socket, _) in _sockets)
        {
            try
            {
                Set(socket);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // It is closed, or stays where it was and sends nothing.
            }
        }
    }

    private void Set(Socket socket)
    {
        bool dual = socket.AddressFamily == AddressFamily.InterNetworkV6 && socket.DualMode;
        foreach (SocketOptionValue option in _option.For(socket.AddressFamily, dual, _v4, _v6))
        {
            socket.SetRawSocketOption(option.Level, option.Name, option.Value);
        }
    }

    private static int Loopback(Func<int> index)
    {
        try
        {
            return index();
        }
        catch (NetworkInformationException)
        {
            // The family is switched off; the first interface of either system is its loopback.
            return 1;
        }
    }
}
