using System.Buffers.Binary;
using System.Net;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Protocol.Noise;

namespace TunnelMesh.Tests.Sockets;

public sealed class UdpSocketGroupTests
{
    private const int Count = 5;

    [Fact]
    public void The_kernel_steers_by_receiver_index_from_whatever_address_a_datagram_comes()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        IReadOnlyList<IUdpSocket> group = UdpSocket.OpenGroup(new UdpSocketOptions { Offloads = UdpOffloads.All }, Count);
        try
        {
            Assert.Equal(Count, group.Count);
            Assert.All(group, s => Assert.Equal(group[0].Port, s.Port));
            var to = UdpEndpoint.From(new IPEndPoint(IPAddress.Loopback, group[0].Port));
            for (int sender = 0; sender < 3; sender++)
            {
                using IUdpSocket from = UdpSocket.Open(new UdpSocketOptions());
                for (uint first = 0; first < 256; first += 17)
                {
                    uint index = 0xabcdef00 | first;
                    int lane = (int)first % Count;
                    Assert.Equal(lane, ReceivedBy(group, from, to, Message(WireGuardMessage.Transport, 64, WireGuardMessage.ReceiverOffset, index)));
                    Assert.Equal(lane, ReceivedBy(group, from, to, Message(WireGuardMessage.CookieReply, WireGuardMessage.CookieReplySize, WireGuardMessage.ReceiverOffset, index)));
                    Assert.Equal(lane, ReceivedBy(group, from, to, Message(WireGuardMessage.Response, WireGuardMessage.ResponseSize, WireGuardMessage.ResponseReceiverOffset, index)));
                    Assert.Equal(0, ReceivedBy(group, from, to, Message(WireGuardMessage.Initiation, WireGuardMessage.InitiationSize, WireGuardMessage.ReceiverOffset, index)));
                }

                // Too short for an index, and of no type at all.
                Assert.Equal(0, ReceivedBy(group, from, to, [WireGuardMessage.Transport, 0, 0]));
                Assert.Equal(0, ReceivedBy(group, from, to, [0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
            }
        }
        finally
        {
            foreach (IUdpSocket socket in group)
            {
                socket.Dispose();
            }
        }
    }

    [Fact]
    public void The_port_of_a_group_is_closed_to_every_other_program()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        IReadOnlyList<IUdpSocket> group = UdpSocket.OpenGroup(new UdpSocketOptions(), 2);
        try
        {
            foreach (int count in new[] { 1, 2 })
            {
                UdpSocketException e = Assert.Throws<UdpSocketException>(() => UdpSocket.OpenGroup(new UdpSocketOptions { Port = group[0].Port }, count));
                Assert.Equal(UdpError.PortInUse, e.Error);
            }
        }
        finally
        {
            foreach (IUdpSocket socket in group)
            {
                socket.Dispose();
            }
        }
    }

    // Loopback delivers within sendto, so whoever has it has it now.
    private static int ReceivedBy(IReadOnlyList<IUdpSocket> group, IUdpSocket from, in UdpEndpoint to, byte[] datagram)
    {
        Assert.True(from.Send(datagram, to));
        byte[] buffer = new byte[ushort.MaxValue];
        int found = -1;
        for (int i = 0; i < group.Count; i++)
        {
            if (group[i].ReceiveSegments(buffer, out _, out _) is > 0 and var length)
            {
                Assert.Equal(-1, found);
                Assert.Equal(datagram, buffer[..length]);
                found = i;
            }
        }

        return found;
    }

    private static byte[] Message(byte type, int length, int indexAt, uint index)
    {
        byte[] message = new byte[length];
        message[0] = type;
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(indexAt), index);
        return message;
    }
}
