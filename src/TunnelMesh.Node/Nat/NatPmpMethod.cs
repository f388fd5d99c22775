using System.Net;
using TunnelMesh.Protocol.PortMapping;

namespace TunnelMesh.Node.Nat;

/// <summary>NAT-PMP (RFC 6886), IPv4 only.</summary>
internal sealed class NatPmpMethod(IMappingNetwork network, MappingCounts counts, TimeProvider time) : IMappingMethod
{
    private readonly Lock _gate = new();
    private readonly GatewayEpoch _epoch = new();

    public PortMappingMethod Method => PortMappingMethod.NatPmp;

    public async Task<MappingAttempt> MapAsync(MappingWish wish, CancellationToken cancel)
    {
        byte[] question = new byte[NatPmpMessage.AddressRequestSize];
        NatPmpMessage.WriteAddressRequest(question);
        Boxed<NatPmpAddress>? address = await GatewayExchange.AskAsync(network, wish, _ => question,
            d => NatPmpMessage.TryReadAddress(d, out NatPmpAddress a) ? new Boxed<NatPmpAddress>(a) : null, time, cancel).ConfigureAwait(false);
        if (address is null)
        {
            return MappingAttempt.Silence;
        }

        NoteEpoch(address.Value.Epoch);
        if (address.Value.Address is not { } external)
        {
            return Refused(address.Value.Result);
        }

        if (await AskAsync(wish, wish.WantedPort, wish.Seconds, cancel).ConfigureAwait(false) is not { } mapping)
        {
            return MappingAttempt.Silence;
        }

        NoteEpoch(mapping.Value.Epoch);
        return mapping.Value.Result == 0
            ? new MappingAttempt(new IPEndPoint(external, mapping.Value.ExternalPort), TimeSpan.FromSeconds(mapping.Value.LifetimeSeconds), "")
            : Refused(mapping.Value.Result);
    }

    public Task UnmapAsync(MappingWish wish, CancellationToken cancel) => AskAsync(wish, 0, 0, cancel);

    public bool IsRestart(ReadOnlySpan<byte> datagram) => NatPmpMessage.TryReadAddress(datagram, out NatPmpAddress address) && NoteEpoch(address.Epoch);

    public void Forget() => _epoch.Clear();

    private static MappingAttempt Refused(ushort result) => MappingAttempt.No($"the gateway refuses (NAT-PMP: result {result})");

    private Task<Boxed<NatPmpMapping>?> AskAsync(MappingWish wish, ushort wanted, uint seconds, CancellationToken cancel)
    {
        byte[] request = new byte[NatPmpMessage.MapSize];
        NatPmpMessage.WriteMap(request, wish.Port, wanted, seconds);
        return GatewayExchange.AskAsync(network, wish, _ => request, Take, time, cancel);

        Boxed<NatPmpMapping>? Take(ReadOnlySpan<byte> datagram)
        {
            if (!NatPmpMessage.TryReadMap(datagram, out NatPmpMapping mapping))
            {
                return null;
            }

            if (mapping.Result == 0 && mapping.InternalPort != wish.Port)
            {
                counts.Lied();
                return null;
            }

            return new Boxed<NatPmpMapping>(mapping);
        }
    }

    private bool NoteEpoch(uint epoch)
    {
        // Announcements come on another thread than answers.
        bool lost;
        lock (_gate)
        {
            lost = _epoch.IsLost(epoch, time.GetElapsedTime(0));
        }

        if (lost)
        {
            counts.Restarted();
        }

        return lost;
    }

    private sealed record Boxed<T>(T Value) where T : struct;
}
