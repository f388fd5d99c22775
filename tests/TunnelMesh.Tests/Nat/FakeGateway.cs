using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using TunnelMesh.Node.Nat;
using TunnelMesh.Protocol.PortMapping;

namespace TunnelMesh.Tests.Nat;

/// <summary>A gateway whose every word the test chooses.</summary>
internal sealed class FakeGateway : IMappingNetwork
{
    public static readonly IPAddress Address = IPAddress.Parse("192.168.7.1"), Client = IPAddress.Parse("192.168.7.2");

    /// <summary>What comes back for a datagram; none for silence.</summary>
    public Func<byte[], IEnumerable<byte[]>> Udp { get; set; } = _ => [];

    /// <summary>False: nothing listens at the port of PCP and NAT-PMP.</summary>
    public bool Listens { get; set; } = true;

    /// <summary>Where UPnP is described; null for none.</summary>
    public string? Location { get; set; }

    /// <summary>The answer to a document or an action, by the action's name or "".</summary>
    public Func<string, string, string?> Http { get; set; } = (_, _) => null;

    public List<byte[]> Requests { get; } = [];

    public List<string> Actions { get; } = [];

    public Action<ReadOnlyMemory<byte>, IPAddress> Announce { get; private set; } = (_, _) => { };

    public static byte[] PcpAnswer(byte[] request, string external, int port, uint lifetime = 3600, uint epoch = 100, PcpResultCode result = PcpResultCode.Success)
    {
        byte[] answer = [.. request];
        answer[1] |= 0x80;
        answer[3] = (byte)result;
        BitConverter.TryWriteBytes(answer.AsSpan(4), BitConverter.IsLittleEndian ? System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(lifetime) : lifetime);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(answer.AsSpan(8), epoch);
        answer.AsSpan(12, 12).Clear();
        System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(42), (ushort)port);
        IPAddress.Parse(external).MapToIPv6().TryWriteBytes(answer.AsSpan(44), out _);
        return answer;
    }

    public static bool IsPcp(byte[] request) => request[0] == 2;

    public static uint Lifetime(byte[] request) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(request.AsSpan(4));

    public static string Soap(string body) => $"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>{body}</s:Body></s:Envelope>";

    public static string Fault(int code) => Soap($"<s:Fault><detail><e><errorCode>{code}</errorCode></e></detail></s:Fault>");

    public static string Description(string type = "WANIPConnection:1") =>
        $"<root><device><serviceList><service><serviceType>urn:schemas-upnp-org:service:{type}</serviceType><controlURL>/ctl</controlURL></service></serviceList></device></root>";

    public IGatewayPort Connect(IPEndPoint gateway, IPAddress? local)
    {
        Assert.Equal(new IPEndPoint(Address, 5351), gateway);
        Assert.Equal(Client, local);
        return new Port(this);
    }

    public async Task<Uri?> SearchAsync(IPAddress gateway, IPAddress? local, TimeSpan wait, CancellationToken cancel)
    {
        await Task.Yield();
        return Location is null ? null : new Uri(Location);
    }

    public async Task<ReadOnlyMemory<byte>?> RequestAsync(Uri address, IgdAction? action, CancellationToken cancel)
    {
        await Task.Yield();
        string name = action is null ? "" : action.Header[(action.Header.IndexOf('#', StringComparison.Ordinal) + 1)..^1];
        lock (Actions)
        {
            Actions.Add(name);
        }

        return Http(name, action?.Body ?? "") is { } answer ? Encoding.UTF8.GetBytes(answer) : null;
    }

    public Task ListenAsync(Action<ReadOnlyMemory<byte>, IPAddress> heard, CancellationToken cancel)
    {
        Announce = heard;
        return Task.CompletedTask;
    }

    private sealed class Port(FakeGateway gateway) : IGatewayPort
    {
        private readonly Channel<byte[]> _answers = Channel.CreateUnbounded<byte[]>();

        public IPAddress Local => Client;

        public ValueTask SendAsync(ReadOnlyMemory<byte> datagram, CancellationToken cancel)
        {
            byte[] request = datagram.ToArray();
            lock (gateway.Requests)
            {
                gateway.Requests.Add(request);
            }

            foreach (byte[] answer in gateway.Listens ? gateway.Udp(request) : [])
            {
                _answers.Writer.TryWrite(answer);
            }

            return ValueTask.CompletedTask;
        }

        public async ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancel) =>
            gateway.Listens ? await _answers.Reader.ReadAsync(cancel) : throw new SocketException((int)SocketError.ConnectionRefused);

        public void Dispose()
        {
        }
    }
}
