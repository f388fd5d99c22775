using CsCheck;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Simulation.Network.Nat;

/// <summary>
/// Random traffic through random NATs, held against what the RFC says in terms of the history alone: a datagram that went from an
/// inner endpoint over an outer one to a remote, not longer ago than the time-out, is the one reason for everything that follows.
/// </summary>
public sealed class NatPropertyTests
{
    private const int InnerHosts = 2, InnerPorts = 2, Remotes = 2, RemotePorts = 2;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private static readonly Gen<NatOptions> AnyOptions = Gen.Select(
        Gen.Enum<NatBehaviour>(), Gen.Enum<NatBehaviour>(), Gen.Enum<NatPorts>(), Gen.Bool, Gen.Bool, Gen.Int[3, 40],
        (mapping, filtering, ports, refresh, hairpin, size) => new NatOptions
        {
            Mapping = mapping,
            Filtering = filtering,
            Ports = ports,
            InboundRefresh = refresh,
            Hairpin = hairpin,
            Timeout = Timeout,
            FirstPort = 4000,
            LastPort = (ushort)(4000 + size),
        });

    private static readonly Gen<Step[]> AnySteps = Gen.Select(
        Gen.Enum<Kind>(), Gen.Int[0, InnerHosts - 1], Gen.Int[0, InnerPorts - 1], Gen.Int[0, Remotes - 1], Gen.Int[0, RemotePorts - 1], Gen.Int[0, 20], Gen.Int[0, 12],
        (kind, inner, innerPort, remote, remotePort, seen, wait) => new Step(kind, inner, innerPort, remote, remotePort, seen, wait)).Array[1, 60];

    [Fact]
    public void Every_NAT_does_what_its_behaviour_says_and_nothing_else() =>
        Gen.Select(AnyOptions, AnySteps, Gen.Int[1, 1 << 20]).Sample((options, steps, seed) => new Run(options, seed).Check(steps), iter: 2_000);

    internal enum Kind
    {
        Out,
        In,
        Hairpin,
    }

    /// <summary>After some seconds, one datagram from an inner endpoint to a remote, from a remote to an outer port, or from an inner endpoint to
    /// an outer port.</summary>
    internal sealed record Step(Kind Kind, int Inner, int InnerPort, int Remote, int RemotePort, int Seen, int Wait);

    /// <summary>An outer port was used between an inner endpoint and a remote; the scope is that of its mapping.</summary>
    private sealed record Used(UdpEndpoint Inner, ushort Outer, UdpEndpoint Scope, UdpEndpoint Remote, TimeSpan At);

    private sealed class Run
    {
        private readonly NatOptions _options;
        private readonly VirtualWorld _world;
        private readonly VirtualNetwork _inside, _outside;
        private readonly NatBox _nat;
        private readonly Host[] _inner, _remotes;
        private readonly List<Used> _history = [];
        private Datagram? _got;

        public Run(NatOptions options, int seed)
        {
            _options = options;
            _world = new VirtualWorld(seed);
            _outside = new VirtualNetwork(_world);
            _inside = new VirtualNetwork(_world);
            _nat = new NatBox(_inside, _outside, "203.0.113.1", options);
            _inner = Make(_inside, "192.168.1.", InnerHosts, InnerPorts);
            _remotes = Make(_outside, "192.0.2.", Remotes, RemotePorts);
            var atOnce = new LinkConditions { Latency = TimeSpan.Zero };
            _nat.Inside.Set(atOnce);
            _nat.Outside.Set(atOnce);
        }

        private TimeSpan Now => _world.Now;

        private IEnumerable<Used> Fresh => _history.Where(s => Now - s.At < Timeout);

        public void Check(Step[] steps)
        {
            foreach (Step step in steps)
            {
                _world.Run(TimeSpan.FromSeconds(step.Wait));
                _got = null;
                switch (step.Kind)
                {
                    case Kind.Out:
                        Out(step);
                        break;
                    case Kind.In:
                        In(step);
                        break;
                    default:
                        Hairpin(step);
                        break;
                }

                // No two inner endpoints share an outer port, nor do two mappings of one.
                foreach (IGrouping<ushort, Used> port in Fresh.GroupBy(s => s.Outer))
                {
                    Assert.Single(port.Select(s => (s.Inner, s.Scope)).Distinct());
                }

                Assert.Equal(Fresh.Select(s => s.Outer).Distinct().Count(), _nat.OuterPorts.Count);
            }
        }

        private static ushort PortOf(int index) => (ushort)(4000 + index);

        private Host[] Make(VirtualNetwork network, string prefix, int hosts, int ports)
        {
            Host[] made = [.. Enumerable.Range(2, hosts).Select(i => new Host(network, $"{prefix}{i}"))];
            foreach (Host host in made)
            {
                host.Link.Set(new LinkConditions { Latency = TimeSpan.Zero });
                for (int i = 0; i < ports; i++)
                {
                    host.Listen(PortOf(i), d => _got = d);
                }
            }

            return made;
        }

        private void Out(Step step)
        {
            UdpEndpoint inner = _inner[step.Inner].Addresses[0].At(PortOf(step.InnerPort));
            UdpEndpoint remote = _remotes[step.Remote].Addresses[0].At(PortOf(step.RemotePort));
            ushort? expected = Mapped(inner, remote);
            bool full = Full;
            Assert.True(_inner[step.Inner].Send(inner.Port, remote, [1]));
            _world.Run(TimeSpan.Zero);
            if (expected is null && full)
            {
                Assert.Null(_got);
                return;
            }

            Assert.NotNull(_got);
            Assert.Equal(remote, _got.Destination);
            Note(inner, _got.Source, remote, expected);
        }

        private void In(Step step)
        {
            ushort outer = AnyOuter(step);
            UdpEndpoint remote = _remotes[step.Remote].Addresses[0].At(PortOf(step.RemotePort));
            UdpEndpoint? expected = Admitted(outer, remote);
            Assert.True(_remotes[step.Remote].Send(remote.Port, _nat.Address.At(outer), [2]));
            _world.Run(TimeSpan.Zero);
            Arrived(expected, remote, outer);
        }

        private void Hairpin(Step step)
        {
            UdpEndpoint inner = _inner[step.Inner].Addresses[0].At(PortOf(step.InnerPort));
            UdpEndpoint target = _nat.Address.At(AnyOuter(step));
            if (!_options.Hairpin)
            {
                _inner[step.Inner].Send(inner.Port, target, [3]);
                _world.Run(TimeSpan.Zero);
                Assert.Null(_got);
                return;
            }

            ushort? mapped = Mapped(inner, target);
            bool full = Full;
            _inner[step.Inner].Send(inner.Port, target, [3]);
            _world.Run(TimeSpan.Zero);
            if (mapped is null && full)
            {
                Assert.Null(_got);
                return;
            }

            // Even what the filter keeps from the neighbour opened a mapping; its port shows when the datagram gets through.
            if (_got is { } arrived)
            {
                Note(inner, arrived.Source, target, mapped);
                Assert.Equal(Admitted(target.Port, arrived.Source), arrived.Destination);
                Refresh(target.Port, arrived.Source);
            }
            else
            {
                ushort port = mapped ?? Assert.Single(_nat.OuterPorts.Except(Fresh.Select(s => s.Outer)));
                Note(inner, _nat.Address.At(port), target, mapped);
                Assert.Null(Admitted(target.Port, _nat.Address.At(port)));
            }
        }

        private ushort AnyOuter(Step step) =>
            _history.Count > 0 && step.Seen > 0 ? _history[step.Seen % _history.Count].Outer : (ushort)(_options.FirstPort + step.Seen);

        private bool Full => Fresh.Select(s => s.Outer).Distinct().Count() == _options.LastPort - _options.FirstPort + 1;

        private ushort? Mapped(UdpEndpoint inner, UdpEndpoint remote)
        {
            UdpEndpoint scope = NatMapping.ScopeOf(_options.Mapping, remote);
            ushort[] ports = [.. Fresh.Where(s => s.Inner == inner && s.Scope == scope).Select(s => s.Outer).Distinct()];
            return ports.Length == 0 ? null : Assert.Single(ports);
        }

        private UdpEndpoint? Admitted(ushort outer, UdpEndpoint remote)
        {
            foreach (Used used in Fresh)
            {
                bool let = _options.Filtering switch
                {
                    NatBehaviour.EndpointIndependent => true,
                    NatBehaviour.AddressDependent => NetAddress.Of(used.Remote) == NetAddress.Of(remote),
                    _ => used.Remote == remote,
                };
                if (used.Outer == outer && let)
                {
                    return used.Inner;
                }
            }

            return null;
        }

        private void Arrived(UdpEndpoint? expected, UdpEndpoint source, ushort outer)
        {
            Assert.Equal(expected, _got?.Destination);
            if (expected is not null)
            {
                Assert.Equal(source, _got!.Source);
                Refresh(outer, source);
            }
        }

        private void Note(UdpEndpoint inner, UdpEndpoint outer, UdpEndpoint remote, ushort? expected)
        {
            Assert.Equal(_nat.Address, NetAddress.Of(outer));
            Assert.InRange(outer.Port, _options.FirstPort, _options.LastPort);
            Assert.Equal(expected ?? outer.Port, outer.Port);
            _history.Add(new Used(inner, outer.Port, NatMapping.ScopeOf(_options.Mapping, remote), remote, Now));
        }

        // With inbound refresh a datagram that was let in counts as one that went out, for the mapping it came through.
        private void Refresh(ushort outer, UdpEndpoint remote)
        {
            if (_options.InboundRefresh)
            {
                _history.Add(Fresh.First(s => s.Outer == outer) with { Remote = remote, At = Now });
            }
        }
    }
}
