using System.Buffers;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Bench.CoordinatorLoad;

/// <summary>A device reduced to its control stream: real TLS, a real client certificate, real WebSocket pings; nothing is verified or kept.</summary>
internal sealed class LeanPeer(int index, PeerCertificate certificate, Deliveries deliveries) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly string _instance = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));
    private Task _running = Task.CompletedTask;
    private string _epoch = "";
    private long _number;

    /// <summary>Number of the map it holds.</summary>
    internal long Number => Volatile.Read(ref _number);

    /// <summary>Epoch of the map it holds.</summary>
    internal string Epoch => Volatile.Read(ref _epoch);

    /// <summary>Whole maps received.</summary>
    internal int FullMaps { get; private set; }

    /// <summary>Losses of the stream.</summary>
    internal int Losses { get; private set; }

    internal bool Connected { get; private set; }

    /// <summary>Connects, and comes back after a loss as a device does.</summary>
    internal void Start(int port) => _running = Task.Run(() => RunAsync(port));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync(int port)
    {
        TimeSpan pause = TimeSpan.FromMilliseconds(200);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await TalkAsync(port, () => pause = TimeSpan.FromMilliseconds(200));
            }
            catch (Exception e) when (e is IOException or SocketException or WebSocketException or AuthenticationException or InvalidDataException or OperationCanceledException)
            {
                Losses += Connected ? 1 : 0;
            }
            Connected = false;
            TimeSpan wait = pause * (0.5 + (RandomNumberGenerator.GetInt32(500) / 1000.0));
            pause = TimeSpan.FromMilliseconds(Math.Min(2000, pause.TotalMilliseconds * 2));
            await Task.Delay(wait, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task TalkAsync(int port, Action connected)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        // One address has too few ports for this many connections beside those that are closing.
        socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(2 + (index % 16))]), 0));
        await socket.ConnectAsync(IPAddress.Loopback, port, _stop.Token);
        await using SslStream tls = new(new NetworkStream(socket), false, (_, server, _, _) => server is not null);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "hub",
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false,
            ClientCertificateContext = deliveries.Context(certificate),
        }, _stop.Token);
        await UpgradeAsync(tls);
        using WebSocket stream = WebSocket.CreateFromStream(tls, new WebSocketCreationOptions { KeepAliveInterval = TimeSpan.FromSeconds(5), KeepAliveTimeout = TimeSpan.FromSeconds(12) });
        await stream.SendAsync(ControlCodec.Encode(new ControlHello
        {
            Version = ControlProtocol.Version,
            OldestVersion = ControlProtocol.OldestVersion,
            MapEpoch = _epoch,
            MapNumber = _number,
            UdpPort = 2223,
            Endpoints = [$"192.0.{index / 250}.{(index % 250) + 1}:2223", $"[2001:db8::{index:x}]:2223"],
            Transports = ["udp", "ssh", "relay"],
            ProgramVersion = "0.1.0",
            Instance = _instance,
        }), WebSocketMessageType.Text, true, _stop.Token);
        Connected = true;
        byte[] buffer = new byte[2048];
        while (true)
        {
            int length = 0;
            byte[] whole = buffer;
            ValueWebSocketReceiveResult part;
            do
            {
                if (length == whole.Length)
                {
                    byte[] larger = ArrayPool<byte>.Shared.Rent(whole.Length * 8);
                    whole.AsSpan(0, length).CopyTo(larger);
                    Return(whole, buffer);
                    whole = larger;
                }
                part = await stream.ReceiveAsync(whole.AsMemory(length), _stop.Token);
                length += part.Count;
            }
            while (!part.EndOfMessage);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                throw new IOException("closed");
            }
            connected();
            Delivery delivery = deliveries.Take(whole.AsMemory(0, length), part.MessageType);
            Return(whole, buffer);
            if (delivery.IsFull)
            {
                FullMaps++;
            }
            else if (delivery.Epoch != _epoch || delivery.From > _number)
            {
                throw new InvalidDataException("a gap");
            }
            Volatile.Write(ref _epoch, delivery.Epoch);
            Volatile.Write(ref _number, delivery.Number);
        }
    }

    private static void Return(byte[] rented, byte[] own)
    {
        if (rented != own)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    private async Task UpgradeAsync(SslStream tls)
    {
        string request = $"GET {ControlProtocol.ControlPath} HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
            $"Sec-WebSocket-Key: {Convert.ToBase64String(RandomNumberGenerator.GetBytes(16))}\r\n\r\n";
        await tls.WriteAsync(Encoding.ASCII.GetBytes(request), _stop.Token);
        byte[] answer = new byte[1024];
        int length = 0;
        // One byte at a time at the end: what follows the headers belongs to the WebSocket.
        while (length < 4 || !answer.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
        {
            int n = length == answer.Length ? 0 : await tls.ReadAsync(answer.AsMemory(length, 1), _stop.Token);
            length += n > 0 ? n : throw new IOException("no answer");
        }
        if (!answer.AsSpan(0, length).StartsWith("HTTP/1.1 101"u8))
        {
            throw new IOException(Encoding.ASCII.GetString(answer, 0, length).Split('\r')[0]);
        }
    }
}
