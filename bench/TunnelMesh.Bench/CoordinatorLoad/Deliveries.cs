using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Security;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Node.Control;
using TunnelMesh.Protocol.Control;

namespace TunnelMesh.Bench.CoordinatorLoad;

/// <summary>What arrives at all viewers. Thread-safe.</summary>
internal sealed class Deliveries(byte[] issuer)
{
    private readonly ConcurrentDictionary<(int Hash, int Length), Lazy<Delivery>> _seen = [];
    private readonly ConditionalWeakTable<PeerCertificate, SslStreamCertificateContext> _contexts = [];
    private readonly X509Certificate2 _issuer = X509CertificateLoader.LoadCertificate(issuer);

    /// <summary>While true, arrivals of deltas are kept.</summary>
    internal volatile bool Record;

    /// <summary>Deltas whose arrivals were kept.</summary>
    internal IEnumerable<Delivery> Recorded => _seen.Values.Select(v => v.Value).Where(d => !d.IsFull && !d.Arrivals.IsEmpty);

    internal SslStreamCertificateContext Context(PeerCertificate certificate) =>
        _contexts.GetValue(certificate, c => SslStreamCertificateContext.Create(c.Leaf, [_issuer], offline: true));

    internal Delivery Take(ReadOnlyMemory<byte> bytes, WebSocketMessageType type)
    {
        long now = Stopwatch.GetTimestamp();
        HashCode hash = default;
        // A gzip member ends with the CRC of its content (RFC 1952), so the rest need not be read to know it again.
        hash.AddBytes(type == WebSocketMessageType.Binary ? bytes.Span[^8..] : bytes.Span);
        Delivery delivery = _seen.GetOrAdd((hash.ToHashCode(), bytes.Length), _ => new Lazy<Delivery>(() => Decode(bytes, type))).Value;
        if (Record && !delivery.IsFull)
        {
            delivery.Arrivals.Enqueue(now);
        }
        return delivery;
    }

    private static Delivery Decode(ReadOnlyMemory<byte> bytes, WebSocketMessageType type) =>
        (type == WebSocketMessageType.Binary ? ControlCodec.DecodePacked(bytes, ControlProtocol.MaxCoordinatorMessageBytes) : ControlCodec.Decode(bytes.Span, out _)) switch
        {
            MapFull full => new Delivery(true, full.Epoch, -1, full.Number, []),
            MapDelta delta => new Delivery(false, delta.Epoch, delta.From, delta.Number, [.. delta.Upserted.Select(d => d.Id)]),
            object other => throw new InvalidDataException(other.ToString()),
            null => throw new InvalidDataException("damaged"),
        };
}
