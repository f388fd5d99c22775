using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Tests.Sockets;

/// <summary>Binding with an option that every system has in place of the one that keeps a socket on an interface: the size of the send buffer tells which interface it would be.</summary>
public sealed class InterfaceBindingTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly PlayedOption _option = new();

    [Fact]
    public void A_socket_is_kept_on_the_interface_of_its_family_and_moves_with_it()
    {
        _option.Ways = (3, 4);
        InterfaceBinding binding = new(_option, _time);
        using Socket v4 = Make(binding, AddressFamily.InterNetwork), both = Make(binding, AddressFamily.InterNetworkV6);
        Assert.Equal([(AddressFamily.InterNetwork, false, 3, 4), (AddressFamily.InterNetworkV6, true, 3, 4)], _option.Asked);
        Assert.Equal((3, 4), (InterfaceOf(v4), InterfaceOf(both)));
        _option.Ways = (5, 6);
        binding.Refresh();
        Assert.Equal((5, 6), (InterfaceOf(v4), InterfaceOf(both)));
    }

    [Fact]
    public void A_socket_stays_where_it_was_while_there_is_no_way_and_while_the_system_does_not_tell()
    {
        _option.Ways = (3, 4);
        InterfaceBinding binding = new(_option, _time);
        using Socket socket = Make(binding, AddressFamily.InterNetwork);
        _option.Ways = (0, 0);
        binding.Refresh();
        Assert.Equal(3, InterfaceOf(socket));
        _option.Ways = null;
        binding.Refresh();
        using Socket later = Make(binding, AddressFamily.InterNetwork);
        Assert.Equal((3, 3), (InterfaceOf(socket), InterfaceOf(later)));
    }

    [Fact]
    public void Without_any_way_from_the_start_a_socket_is_kept_on_the_loopback_interface()
    {
        _option.Ways = (0, 0);
        using Socket socket = Make(new InterfaceBinding(_option, _time), AddressFamily.InterNetwork);
        Assert.Equal(NetworkInterface.LoopbackInterfaceIndex, InterfaceOf(socket));
    }

    [Fact]
    public void Routes_are_read_once_a_second_for_new_sockets_and_a_change_moves_the_older_ones()
    {
        _option.Ways = (3, 3);
        InterfaceBinding binding = new(_option, _time);
        using Socket first = Make(binding, AddressFamily.InterNetwork);
        _option.Ways = (7, 7);
        using Socket second = Make(binding, AddressFamily.InterNetwork);
        Assert.Equal((1, 3, 3), (_option.Reads, InterfaceOf(first), InterfaceOf(second)));
        _time.Advance(TimeSpan.FromSeconds(1));
        using Socket third = Make(binding, AddressFamily.InterNetwork);
        Assert.Equal((2, 7, 7, 7), (_option.Reads, InterfaceOf(first), InterfaceOf(second), InterfaceOf(third)));
    }

    [Fact]
    public void A_closed_socket_does_not_keep_the_others_from_moving()
    {
        _option.Ways = (3, 3);
        InterfaceBinding binding = new(_option, _time);
        Socket closed = Make(binding, AddressFamily.InterNetwork);
        using Socket open = Make(binding, AddressFamily.InterNetwork);
        closed.Dispose();
        _option.Ways = (8, 8);
        binding.Refresh();
        Assert.Equal(8, InterfaceOf(open));
        GC.KeepAlive(closed);
    }

    [Fact]
    public void MacOS_binds_by_an_index_in_its_own_order_and_a_socket_of_both_families_to_one_interface()
    {
        MacOSInterfaceOption option = new();
        Assert.Equal(["0 25 05000000"], Text(option.For(AddressFamily.InterNetwork, dual: false, 5, 6)));
        Assert.Equal(["41 125 06000000"], Text(option.For(AddressFamily.InterNetworkV6, dual: false, 5, 6)));
        Assert.Equal(["41 125 05000000"], Text(option.For(AddressFamily.InterNetworkV6, dual: true, 5, 6)));
    }

    [Fact]
    public void Windows_takes_the_index_of_IPv4_in_network_order_and_both_for_a_socket_of_both_families()
    {
        WindowsInterfaceOption option = new();
        Assert.Equal(["0 31 00000005"], Text(option.For(AddressFamily.InterNetwork, dual: false, 5, 6)));
        Assert.Equal(["41 31 06000000"], Text(option.For(AddressFamily.InterNetworkV6, dual: false, 5, 6)));
        Assert.Equal(["41 31 06000000", "0 31 00000005"], Text(option.For(AddressFamily.InterNetworkV6, dual: true, 5, 6)));
    }

    [Fact]
    public void Where_packets_are_marked_nothing_is_bound()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "elsewhere they are bound");
        Assert.Null(InterfaceBinding.Create(_time));
    }

    [Fact]
    public void The_tunnels_socket_is_configured_before_it_is_bound()
    {
        List<bool> bound = [];
        using Socket socket = UdpBinding.Open(new UdpSocketOptions { ConfigureSocket = s => bound.Add(s.IsBound) }, out _);
        Assert.Equal([false], bound);
        Assert.True(socket.IsBound);
    }

    private static Socket Make(InterfaceBinding binding, AddressFamily family)
    {
        Socket socket = new(family, SocketType.Dgram, ProtocolType.Udp);
        if (family == AddressFamily.InterNetworkV6)
        {
            socket.DualMode = true;
        }

        binding.Configure(socket);
        return socket;
    }

    private static IEnumerable<string> Text(IEnumerable<SocketOptionValue> options) => options.Select(o => $"{o.Level} {o.Name} {Convert.ToHexStringLower(o.Value)}");

    // The kernel doubles what is asked for.
    private static int InterfaceOf(Socket socket) => socket.SendBufferSize / 2 / PlayedOption.Step;

    private sealed class PlayedOption : IInterfaceOption
    {
        public const int Step = 16 * 1024;
        private const int SolSocket = 1, SoSendBuffer = 7;

        public (int V4, int V6)? Ways { get; set; }

        public int Reads { get; private set; }

        public List<(AddressFamily Family, bool Dual, int V4, int V6)> Asked { get; } = [];

        public (int V4, int V6) ReadWays()
        {
            Reads++;
            return Ways ?? throw new IOException("no routes");
        }

        public IReadOnlyList<SocketOptionValue> For(AddressFamily family, bool dual, int v4, int v6)
        {
            Asked.Add((family, dual, v4, v6));
            return [new SocketOptionValue(SolSocket, SoSendBuffer, BitConverter.GetBytes((family == AddressFamily.InterNetwork ? v4 : v6) * Step))];
        }
    }
}
