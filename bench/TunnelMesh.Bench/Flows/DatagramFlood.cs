using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace TunnelMesh.Bench.Flows;

/// <summary>Sends datagrams to many ports of one address in turn: each port is a flow of its own to whoever keeps flows.</summary>
internal static class DatagramFlood
{
    /// <summary>Sends until the time is over.</summary>
    /// <param name="target">Address and first port, which is the port that is sent from, too.</param>
    /// <param name="ports">How many ports.</param>
    /// <param name="bytes">Payload of a datagram.</param>
    /// <param name="time">How long.</param>
    /// <param name="rate">Datagrams a second; 0 for as many as the system takes.</param>
    /// <returns>Datagrams that the system took.</returns>
    public static long Run(IPEndPoint target, int ports, int bytes, TimeSpan time, int rate)
    {
        using Socket socket = new(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        // A port of its own choice would make other flows the next time.
        socket.Bind(new IPEndPoint(target.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, target.Port));
        SocketAddress[] targets = [.. Enumerable.Range(target.Port, ports).Select(p => new IPEndPoint(target.Address, p).Serialize())];
        byte[] payload = new byte[bytes];
        long began = Stopwatch.GetTimestamp(), sent = 0;
        for (int at = 0; ; at = at + 1 == ports ? 0 : at + 1)
        {
            TimeSpan passed = Stopwatch.GetElapsedTime(began);
            if (passed >= time)
            {
                return sent;
            }
            if (rate > 0 && sent >= passed.TotalSeconds * rate)
            {
                Thread.Sleep(1);
                at--;
                continue;
            }
            try
            {
                sent += socket.SendTo(payload, SocketFlags.None, targets[at]) == bytes ? 1 : 0;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.NoBufferSpaceAvailable or SocketError.ConnectionRefused)
            {
                // The device is full, or an ICMP error for an earlier one came back: this one counts as lost.
            }
        }
    }
}
