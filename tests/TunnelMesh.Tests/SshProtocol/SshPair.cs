using System.Security.Cryptography;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Fuzz;
using TunnelMesh.Protocol.Identity;
using TunnelMesh.Protocol.Ssh;

namespace TunnelMesh.Tests.SshProtocol;

/// <summary>A client and a server in memory, and the stream between them, which a test may cut into pieces.</summary>
internal sealed class SshPair : IDisposable
{
    public const string ClientDevice = "00000000000000000000000000000001", ServerDevice = "00000000000000000000000000000002";

    private readonly Random? _pieces;

    /// <param name="pieces">Cuts the stream at random places when given.</param>
    /// <param name="rekeyBytes">Of both.</param>
    /// <param name="client">Changes the client's options.</param>
    /// <param name="server">Changes the server's options.</param>
    public SshPair(Random? pieces = null, long rekeyBytes = 1L << 30, Func<SshClientOptions, SshClientOptions>? client = null, Func<SshServerOptions, SshServerOptions>? server = null)
    {
        _pieces = pieces;
        SshClientOptions clientOptions = new()
        {
            Identity = ClientKey,
            HostKey = ServerKey.PublicKey.ToArray(),
            UserName = ClientDevice,
            ChannelTarget = ServerDevice,
            Random = RandomNumberGenerator.Fill,
            Time = Time,
            RekeyBytes = rekeyBytes,
        };
        SshServerOptions serverOptions = new()
        {
            Identity = ServerKey,
            Device = 2,
            Random = RandomNumberGenerator.Fill,
            Time = Time,
            RekeyBytes = rekeyBytes,
            Authorize = (device, key) => device == 1 && key.SequenceEqual(ClientKey.PublicKey),
        };
        Client = new SshSide(new SshConnection(client?.Invoke(clientOptions) ?? clientOptions, Now), Time);
        Server = new SshSide(new SshConnection(server?.Invoke(serverOptions) ?? serverOptions, Now), Time);
    }

    public FakeTimeProvider Time { get; } = new();

    public IdentityKey ClientKey { get; } = IdentityKey.Generate(RandomNumberGenerator.Fill);

    public IdentityKey ServerKey { get; } = IdentityKey.Generate(RandomNumberGenerator.Fill);

    public SshSide Client { get; }

    public SshSide Server { get; }

    public long Now => Time.GetTimestamp();

    /// <summary>An open pair.</summary>
    public static SshPair Open(Random? pieces = null, long rekeyBytes = 1L << 30)
    {
        SshPair pair = new(pieces, rekeyBytes);
        pair.Run();
        Assert.True(pair.Client.Connection.IsOpen, $"{pair.Client.Connection.Failure} {pair.Server.Connection.Failure}");
        Assert.True(pair.Server.Connection.IsOpen);
        return pair;
    }

    /// <summary>The server of a new pair, its channel open to a client that is played by hand. Both are the caller's.</summary>
    public static SshScript Scripted(out SshPair pair)
    {
        pair = new SshPair();
        SshScript script = new(pair.Server.Connection, pair.ClientKey, RandomNumberGenerator.Fill, pair.Now);
        script.ExchangeKeys();
        script.Authenticate(ClientDevice);
        script.OpenChannel(ServerDevice);
        Assert.True(pair.Server.Connection.IsOpen);
        return script;
    }

    /// <summary>Carries what both say until neither says more.</summary>
    public void Run()
    {
        bool said = true;
        while (said)
        {
            said = Carry(Client.Write(), Server) | Carry(Server.Write(), Client);
        }
    }

    /// <summary>Carries bytes to a side, perhaps in pieces.</summary>
    public bool Carry(ReadOnlySpan<byte> bytes, SshSide to)
    {
        bool any = !bytes.IsEmpty;
        while (!bytes.IsEmpty)
        {
            int length = _pieces is null ? bytes.Length : Math.Min(bytes.Length, 1 + _pieces.Next(_pieces.Next(2) == 0 ? 40 : 20_000));
            to.Hear(bytes[..length]);
            bytes = bytes[length..];
        }
        return any;
    }

    /// <summary>Sends datagrams; key exchanges on the way are gone through.</summary>
    public void Send(SshSide from, ReadOnlySpan<byte> datagrams, int segmentSize)
    {
        SshSide to = from == Client ? Server : Client;
        byte[]? packet;
        for (int tries = 0; (packet = from.Seal(datagrams, segmentSize)) is null; tries++)
        {
            Assert.True(tries < 10 && from.Connection.Failure is null, $"nothing may be sent: {from.Connection.Failure}");
            Run();
        }
        Carry(packet, to);
    }

    public void Dispose()
    {
        Client.Dispose();
        Server.Dispose();
    }
}
