using System.Security.Cryptography;
using TunnelMesh.Protocol.PortMapping;

namespace TunnelMesh.Node.Nat;

/// <summary>PCP (RFC 6887), for IPv4 and, where it opens a firewall, IPv6.</summary>
internal sealed class PcpMethod(IMappingNetwork network, MappingCounts counts, TimeProvider time) : IMappingMethod
{
    private readonly Lock _gate = new();
    private readonly GatewayEpoch _epoch = new();
    private PcpNonce _nonce = NewNonce();

    public PortMappingMethod Method => PortMappingMethod.Pcp;

    public async Task<MappingAttempt> MapAsync(MappingWish wish, CancellationToken cancel)
    {
        Answer? answer = await AskAsync(wish, wish.Seconds, cancel).ConfigureAwait(false);
        if (answer is null)
        {
            return MappingAttempt.Silence;
        }

        if (answer.Response is not { } response)
        {
            return MappingAttempt.No("the gateway does not speak PCP");
        }

        NoteEpoch(response.Epoch);
        return response.Result == PcpResultCode.Success
            ? new MappingAttempt(response.External, TimeSpan.FromSeconds(response.LifetimeSeconds), "")
            : MappingAttempt.No($"the gateway refuses (PCP: {response.Result})");
    }

    public Task UnmapAsync(MappingWish wish, CancellationToken cancel) => AskAsync(wish, 0, cancel);

    public bool IsRestart(ReadOnlySpan<byte> datagram) =>
        PcpMessage.TryReadResponse(datagram, out PcpResponse? response) && response!.Opcode == PcpOpcode.Announce && NoteEpoch(response.Epoch);

    public void Forget()
    {
        _epoch.Clear();
        _nonce = NewNonce();
    }

    private static PcpNonce NewNonce()
    {
        Span<byte> random = stackalloc byte[12];
        RandomNumberGenerator.Fill(random);
        return new PcpNonce(BitConverter.ToUInt64(random), BitConverter.ToUInt32(random[8..]));
    }

    private Task<Answer?> AskAsync(MappingWish wish, uint seconds, CancellationToken cancel)
    {
        byte[] request = new byte[PcpMessage.MapSize];
        return GatewayExchange.AskAsync(network, wish, local =>
        {
            // To delete, nothing may be suggested (RFC 6887 section 15).
            PcpMessage.WriteMap(request, new PcpMapRequest(local, _nonce, wish.Port, seconds == 0 ? (ushort)0 : wish.WantedPort, seconds == 0 ? null : wish.Held?.Address, seconds));
            return request;
        }, Take, time, cancel);

        Answer? Take(ReadOnlySpan<byte> datagram)
        {
            if (PcpMessage.TryReadResponse(datagram, out PcpResponse? response) && response!.Opcode == PcpOpcode.Map)
            {
                if (response.Nonce == _nonce && response.InternalPort == wish.Port)
                {
                    return new Answer(response);
                }

                counts.Lied();
            }

            return PcpMessage.IsOtherVersion(datagram) ? new Answer(null) : null;
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

    private sealed record Answer(PcpResponse? Response);
}
