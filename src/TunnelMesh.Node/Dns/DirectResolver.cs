using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using TunnelMesh.Protocol.Dns;

namespace TunnelMesh.Node.Dns;

/// <summary>
/// Finds the addresses of coordinators past an exit peer, by sockets that are marked as the mesh's own: the system's resolver asks as programs do, through the very tunnel that a coordinator is needed for.
/// Thread-safe.
/// </summary>
/// <param name="servers">The servers that the system asks, this machine's own aside; called for each look-up.</param>
/// <param name="configureSocket">Marks a socket.</param>
/// <param name="system">The system's resolver, which is asked where those know nothing; throws <see cref="SocketException"/> when there are no addresses.</param>
public sealed class DirectResolver(Func<IReadOnlyList<IPAddress>> servers, Action<Socket>? configureSocket, Func<string, Task<IPAddress[]>> system) : IAsyncDisposable
{
    private const int DnsPort = 53;
    private readonly DnsForwarder _forwarder = new(configureSocket);

    /// <summary>The addresses behind a name, IPv4 first.</summary>
    /// <exception cref="SocketException">There are none.</exception>
    public async Task<IPAddress[]> ResolveAsync(string host)
    {
        _forwarder.Servers = [.. servers().Select(s => new IPEndPoint(s, DnsPort))];
        if (_forwarder.Servers.Count > 0)
        {
            IPAddress[][] found = await Task.WhenAll(AskAsync(host, DnsType.A), AskAsync(host, DnsType.Aaaa)).ConfigureAwait(false);
            if (found.Any(f => f.Length > 0))
            {
                return [.. found.SelectMany(f => f)];
            }
        }
        return await system(host).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _forwarder.DisposeAsync();

    /// <summary>The addresses in an answer.</summary>
    /// <param name="answer">A sound answer, or a failure.</param>
    /// <param name="type">Which family was asked for.</param>
    internal static IPAddress[] Read(ReadOnlySpan<byte> answer, ushort type)
    {
        List<IPAddress> found = [];
        Span<byte> name = stackalloc byte[DnsName.MaxBytes];
        int at = DnsQuery.HeaderSize;
        if (answer.Length < DnsQuery.HeaderSize || (answer[3] & 0xF) != 0 || !DnsName.TryRead(answer, ref at, name, out _))
        {
            return [];
        }
        at += 4;
        for (int left = BinaryPrimitives.ReadUInt16BigEndian(answer[6..]); left > 0 && DnsRecord.TryRead(answer, ref at, name, out _, out DnsRecord record); left--)
        {
            // What other names it goes by on the way (CNAME) does not matter.
            if (record.Type == type && record.Data.Length == (type == DnsType.A ? 4 : 16))
            {
                found.Add(new IPAddress(record.Data));
            }
        }
        return [.. found];
    }

    private async Task<IPAddress[]> AskAsync(string host, ushort type)
    {
        byte[] query = new byte[DnsRelayedQuery.MaxSize], answer = new byte[DnsForwarder.MaxUdpAnswer];
        if (!DnsName.TryWrite(host, query.AsSpan(DnsQuery.HeaderSize), out int size))
        {
            return [];
        }
        BinaryPrimitives.WriteUInt16BigEndian(query.AsSpan(2), DnsQuery.RecursionDesired);
        query[5] = 1;
        int end = DnsQuery.HeaderSize + size;
        BinaryPrimitives.WriteUInt16BigEndian(query.AsSpan(end), type);
        query[end + 3] = (byte)DnsClass.Internet;
        int length = await _forwarder.AskAsync(query.AsMemory(0, end + 4), DnsAsker.Own, stream: false, answer).ConfigureAwait(false);
        return Read(answer.AsSpan(0, length), type);
    }
}
