using System.Net;
using System.Security.Cryptography;
using TunnelMesh.Protocol.PortMapping;

namespace TunnelMesh.Node.Nat;

/// <summary>UPnP Internet Gateway Device, versions 1 and 2, IPv4 only. Only the default gateway itself is believed.</summary>
internal sealed class UpnpMethod(IMappingNetwork network, MappingCounts counts) : IMappingMethod
{
    private const int PortTries = 4, LeastPort = 1024;
    private static readonly TimeSpan SearchTime = TimeSpan.FromSeconds(2);

    // What a gateway that knows no leases keeps for ever is asked for again now and then, in case it forgot.
    private static readonly TimeSpan PermanentLook = TimeSpan.FromHours(1);

    private IgdService? _service;
    private bool _permanent;

    public PortMappingMethod Method => PortMappingMethod.Upnp;

    public async Task<MappingAttempt> MapAsync(MappingWish wish, CancellationToken cancel)
    {
        if (_service is { } known && await MapAsync(known, wish, cancel).ConfigureAwait(false) is { External: not null } renewed)
        {
            return renewed;
        }

        _service = null;
        if (await network.SearchAsync(wish.Gateway, wish.Local, SearchTime, cancel).ConfigureAwait(false) is not { } location)
        {
            return MappingAttempt.Silence;
        }

        if (location.Host != wish.Gateway.ToString())
        {
            counts.Lied();
            return MappingAttempt.No("the gateway is described by another host");
        }

        if (await network.RequestAsync(location, null, cancel).ConfigureAwait(false) is not { } description || !IgdDescription.TryRead(description, location, out IReadOnlyList<IgdService> services))
        {
            return MappingAttempt.No("the gateway's description (UPnP) cannot be read");
        }

        MappingAttempt last = MappingAttempt.Silence;
        foreach (IgdService service in services)
        {
            last = await MapAsync(service, wish, cancel).ConfigureAwait(false);
            if (last.External is not null)
            {
                _service = service;
                return last;
            }
        }

        return last;
    }

    public async Task UnmapAsync(MappingWish wish, CancellationToken cancel)
    {
        if (_service is { } service && wish.Held is { } held)
        {
            await AskAsync(service, IgdAction.DeletePortMapping(service, held.Port), cancel).ConfigureAwait(false);
        }
    }

    public bool IsRestart(ReadOnlySpan<byte> datagram) => false;

    public void Forget()
    {
        _service = null;
        _permanent = false;
    }

    private async Task<MappingAttempt> MapAsync(IgdService service, MappingWish wish, CancellationToken cancel)
    {
        if (await AskAsync(service, IgdAction.GetExternalIPAddress(service), cancel).ConfigureAwait(false) is not { ErrorCode: 0, ExternalAddress: { } external })
        {
            return MappingAttempt.No("the gateway (UPnP) has no external address");
        }

        if (wish.Local is not { } client)
        {
            return MappingAttempt.No("the address towards the gateway is not known");
        }

        int wanted = wish.WantedPort;
        for (int tries = 0; tries < PortTries; tries++)
        {
            uint lease = _permanent ? 0 : wish.Seconds;
            IgdAction action = service.ChoosesPort
                ? IgdAction.AddAnyPortMapping(service, client, wish.Port, wanted, lease)
                : IgdAction.AddPortMapping(service, client, wish.Port, wanted, lease);
            switch (await AskAsync(service, action, cancel).ConfigureAwait(false))
            {
                case null:
                    return MappingAttempt.Silence;
                case { ErrorCode: 0 } reply:
                    int port = service.ChoosesPort ? reply.ReservedPort : wanted;
                    return new MappingAttempt(new IPEndPoint(external, port), _permanent ? PermanentLook : wish.Lifetime, "");
                case { ErrorCode: IgdReply.OnlyPermanent } when !_permanent:
                    _permanent = true;
                    break;
                case { ErrorCode: IgdReply.Conflict or IgdReply.OtherMechanism }:
                    wanted = RandomNumberGenerator.GetInt32(LeastPort, ushort.MaxValue + 1);
                    break;
                case { } refusal:
                    return MappingAttempt.No($"the gateway refuses (UPnP: error {refusal.ErrorCode})");
            }
        }

        return MappingAttempt.No("the gateway (UPnP) found no free port");
    }

    private async Task<IgdReply?> AskAsync(IgdService service, IgdAction action, CancellationToken cancel) =>
        await network.RequestAsync(service.Control, action, cancel).ConfigureAwait(false) is { } body && IgdReply.TryRead(body, out IgdReply? reply) ? reply : null;
}
