using System.Buffers.Binary;
using System.Net;
using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.NetworkMonitor;

/// <summary>Asks the kernel for links, addresses and the way to the internet, in the network namespace it was made in. One thread at a time.</summary>
internal sealed unsafe class NetlinkState : IDisposable
{
    private const ushort Request = 1, Dump = 0x300;

    // Two addresses of the public internet (a.root-servers.net): nothing is sent to them, the kernel is asked which way it would go.
    private static readonly byte[] SomewhereV4 = [198, 41, 0, 4];
    private static readonly byte[] SomewhereV6 = IPAddress.Parse("2001:503:ba3e::2:30").GetAddressBytes();

    // The kernel fills at most 32 KiB at once.
    private readonly byte[] _buffer = new byte[32 << 10];
    private readonly SafeFileDescriptor _fd;
    private readonly uint _mark;
    private uint _sequence;

    /// <param name="mark">Of the packets whose way is asked for; 0 for none.</param>
    /// <exception cref="IOException">The system gave no socket.</exception>
    public NetlinkState(uint mark = 0)
    {
        _mark = mark;
        _fd = UnixNative.Socket(LinuxNative.AfNetlink, UnixNative.SockRaw | LinuxNative.SockCloExec, 0);
        if (_fd.IsInvalid)
        {
            throw new IOException($"The system gave no netlink socket: {UnixNative.Describe(Marshal.GetLastPInvokeError())}.");
        }
    }

    private delegate void Taker(ushort type, ReadOnlySpan<byte> body);

    /// <exception cref="IOException">The kernel refused.</exception>
    public NetworkState Read(string? ownInterface)
    {
        Dictionary<int, string> links = [];
        List<InterfaceAddress> addresses = [];
        Ask(RouteNetlink.GetLink, Dump, stackalloc byte[16], (type, body) =>
        {
            if (type == RouteNetlink.NewLink && RouteNetlink.TryReadLink(body, out int index, out string name))
            {
                links[index] = name;
            }
        });
        Ask(RouteNetlink.GetAddress, Dump, stackalloc byte[8], (type, body) =>
        {
            if (type == RouteNetlink.NewAddress && RouteNetlink.TryReadAddress(body, out int index, out IPAddress address) && links.TryGetValue(index, out string? name))
            {
                addresses.Add(new InterfaceAddress(name, address));
            }
        });
        return new NetworkState(NetworkState.Candidates(addresses, ownInterface), ReadRoute(UnixNative.AfInet, SomewhereV4), ReadRoute(LinuxNative.AfInet6, SomewhereV6));

        DefaultRoute? ReadRoute(int family, byte[] destination)
        {
            // rtmsg with the length of the destination, RTA_DST and RTA_MARK: the mesh's own packets may go another way than those of programs.
            Span<byte> body = stackalloc byte[24 + destination.Length];
            body.Clear();
            (body[0], body[1]) = ((byte)family, (byte)(destination.Length * 8));
            BinaryPrimitives.WriteUInt16LittleEndian(body[12..], (ushort)(4 + destination.Length));
            BinaryPrimitives.WriteUInt16LittleEndian(body[14..], 1);
            destination.CopyTo(body[16..]);
            BinaryPrimitives.WriteUInt16LittleEndian(body[^8..], 8);
            BinaryPrimitives.WriteUInt16LittleEndian(body[^6..], 16);
            BitConverter.TryWriteBytes(body[^4..], _mark);
            DefaultRoute? found = null;
            Ask(RouteNetlink.GetRoute, 0, body, (type, answer) => found = type == RouteNetlink.NewRoute
                ? RouteNetlink.ReadRoute(answer, index => links.TryGetValue(index, out string? name) && name != ownInterface ? name : null)
                : found);
            return found;
        }
    }

    public void Dispose() => _fd.Dispose();

    // The kernel's error ends the answer: for a route it means that there is none, for a list that there is nothing to list.
    private void Ask(ushort type, ushort flags, ReadOnlySpan<byte> body, Taker take)
    {
        Span<byte> request = stackalloc byte[16 + body.Length];
        request.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(request, request.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(request[4..], type);
        BinaryPrimitives.WriteUInt16LittleEndian(request[6..], (ushort)(flags | Request));
        BinaryPrimitives.WriteUInt32LittleEndian(request[8..], ++_sequence);
        body.CopyTo(request[16..]);
        byte* kernel = stackalloc byte[12];
        new Span<byte>(kernel, 12).Clear();
        *(ushort*)kernel = LinuxNative.AfNetlink;
        fixed (byte* p = request)
        {
            if (UnixNative.SendTo(_fd, p, (nuint)request.Length, 0, kernel, 12) < 0)
            {
                throw Refused();
            }
        }

        while (Receive(take, single: flags == 0))
        {
        }
    }

    private bool Receive(Taker take, bool single)
    {
        nint received;
        fixed (byte* p = _buffer)
        {
            received = UnixNative.Recv(_fd, p, (nuint)_buffer.Length, 0);
        }

        if (received < 0)
        {
            return Marshal.GetLastPInvokeError() == UnixNative.EIntr ? true : throw Refused();
        }

        NetlinkBytes messages = new(_buffer.AsSpan(0, (int)received));
        while (messages.TryReadMessage(out ushort type, out uint sequence, out ReadOnlySpan<byte> body))
        {
            if (sequence != _sequence)
            {
                continue;
            }

            if (type is RouteNetlink.Done or RouteNetlink.Error)
            {
                return false;
            }

            take(type, body);
            if (single)
            {
                return false;
            }
        }

        return true;
    }

    private static IOException Refused() => new($"The kernel does not tell how this machine is connected: {UnixNative.Describe(Marshal.GetLastPInvokeError())}.");
}
