using System.Buffers.Binary;
using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.NetworkMonitor;

namespace TunnelMesh.Platform.Routes;

/// <summary>Lists of rtnetlink (NLM_F_DUMP, RFC 3549 section 2.2), looked through for one thing.</summary>
internal sealed unsafe partial class NetlinkSocket
{
    private const ushort RtmGetRule = 34, Dump = 0x300;

    // FRA_PRIORITY and FRA_TABLE, RTA_TABLE; fib_rule_hdr and rtmsg are of one size, with the table's number in the same byte where it has one.
    private const ushort RulePriority = 6, TableAttribute = 15;
    private const int HeaderSize = 12, TableAt = 4;

    // SOL_NETLINK; from Linux 4.20 the kernel then lists what was asked for only.
    private const int SolNetlink = 270, StrictCheck = 12;

    // The kernel fills at most 32 KiB at once.
    private const int ListBytes = 32 << 10;

    private byte[]? _list;

    private delegate bool Wanted(ReadOnlySpan<byte> body);

    private delegate void Taker(ushort type, ReadOnlySpan<byte> body);

    public bool HasRule(bool v6, uint priority, uint table)
    {
        BeginList(RtmGetRule, v6);
        return Any(RtmNewRule, body => Number(body, RulePriority) == priority || TableOf(body) == table);
    }

    public bool HasRoute(bool v6, uint table)
    {
        // A machine may have a million routes in others.
        _ = UnixNative.SetOption(_fd, SolNetlink, StrictCheck, 1);
        BeginList(RouteNetlink.GetRoute, v6);
        AddUInt32(TableAttribute, table);
        return Any(RtmNewRoute, body => TableOf(body) == table);
    }

    private static uint? TableOf(ReadOnlySpan<byte> body) => Number(body, TableAttribute) ?? (body.Length > TableAt ? body[TableAt] : null);

    private static uint? Number(ReadOnlySpan<byte> body, ushort wanted)
    {
        NetlinkBytes attributes = new(body.Length > HeaderSize ? body[HeaderSize..] : default);
        while (attributes.TryReadAttribute(out ushort type, out ReadOnlySpan<byte> value))
        {
            if (type == wanted && value.Length == sizeof(uint))
            {
                return BinaryPrimitives.ReadUInt32LittleEndian(value);
            }
        }

        return null;
    }

    private void BeginList(ushort type, bool v6)
    {
        Begin(type, Dump);
        MemoryMarshal.Write(_buffer.AsSpan(6), (ushort)(Dump | Request));
        Bytes([Family(v6), 0, 0, 0, 0, 0, 0, 0]);
        UInt32(0);
    }

    private bool Any(ushort type, Wanted wanted)
    {
        bool found = false;
        int errno = ForEach((got, body) => found |= got == type && wanted(body));

        // No such table, and a kernel without the family.
        return errno is 0 or UnixNative.ENoEnt or LinuxNative.EAfNoSupport or LinuxNative.EOpNotSupp
            ? found
            : throw new IOException($"The system does not list its rules and routes: {UnixNative.Describe(errno)}.");
    }

    // Sends what was begun. The answer is read to its end, since its rest would be taken for the answer to what is asked next. 0, or the errno.
    private int ForEach(Taker take)
    {
        int errno = Send();
        _list ??= new byte[ListBytes];
        bool over = errno != 0;
        while (!over)
        {
            nint received;
            fixed (byte* p = _list)
            {
                received = UnixNative.Recv(_fd, p, ListBytes, 0);
            }

            if (received < 0)
            {
                errno = Marshal.GetLastPInvokeError();
                over = errno != UnixNative.EIntr;
                continue;
            }

            NetlinkBytes messages = new(_list.AsSpan(0, (int)received));
            while (!over && messages.TryReadMessage(out ushort got, out uint sequence, out ReadOnlySpan<byte> body))
            {
                if (sequence != _sequence)
                {
                    continue;
                }

                over = got is RouteNetlink.Done or RouteNetlink.Error;
                errno = over && body.Length >= sizeof(int) ? -BinaryPrimitives.ReadInt32LittleEndian(body) : 0;
                if (!over)
                {
                    take(got, body);
                }
            }
        }

        return errno;
    }
}
