using System.Runtime.InteropServices;
using TunnelMesh.Platform.Interop;

namespace TunnelMesh.Platform.Sockets;

/// <summary>Trains of datagrams: UDP_SEGMENT to send, UDP_GRO to receive, and one by one where the system or the path cannot.</summary>
internal sealed unsafe partial class LinuxUdpSocket
{
    // CMSG_LEN of a u16 and of an int: the kernel wants the exact length for the first.
    private const int SegmentControlLength = 18;

    // Errors that wait on the socket hide one call's result each; datagrams without content are passed over.
    private const int MaxSkips = 64;

    private readonly SegmentationRefusals _refusals;

    public UdpOffloads Offloads { get; }

    public long SegmentationFallbacks => _refusals.Total;

    public int SendSegments(ReadOnlySpan<byte> datagrams, int segmentSize, in UdpEndpoint destination)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(segmentSize, 1);
        byte* name = stackalloc byte[SocketNameFormat.Bytes];
        uint nameLength = SocketNameFormat.Linux.Write(name, destination, HasIPv6);
        return nameLength == 0
            ? Trains.CountOf(datagrams.Length, segmentSize)
            : Trains.Send(datagrams, segmentSize, destination, (Offloads & UdpOffloads.Segmentation) != 0, _refusals, new Sender(_fd, name, nameLength));
    }

    public int ReceiveSegments(Span<byte> buffer, out int segmentSize, out UdpEndpoint source)
    {
        byte* name = stackalloc byte[SocketNameFormat.Bytes];
        IntControl* control = stackalloc IntControl[2];
        fixed (byte* p = buffer)
        {
            for (int i = 0; i < MaxSkips; i++)
            {
                var vector = new UnixNative.IoVec { Base = p, Length = (nuint)buffer.Length };
                var message = new LinuxNative.MsgHdr
                {
                    Name = name,
                    NameLength = SocketNameFormat.Bytes,
                    Vectors = &vector,
                    VectorCount = 1,
                    Control = control,
                    ControlLength = (nuint)(2 * sizeof(IntControl)),
                };
                nint n = LinuxNative.RecvMsg(_fd, &message, LinuxNative.MsgDontWait);
                if (n > 0)
                {
                    source = SocketNameFormat.Linux.Read(name);
                    bool train = message.ControlLength >= (nuint)sizeof(IntControl)
                        && control->Level == LinuxNative.SolUdp && control->Type == LinuxNative.UdpGro && control->Value > 0;
                    segmentSize = train ? control->Value : (int)n;
                    return (int)n;
                }

                if (n < 0 && Marshal.GetLastPInvokeError() == LinuxNative.EAgain)
                {
                    break;
                }
            }
        }

        (segmentSize, source) = (0, default);
        return 0;
    }

    private static UdpOffloads SetOffloads(SafeFileDescriptor fd, UdpOffloads wanted)
    {
        UdpOffloads set = UdpOffloads.None;
        if (wanted.HasFlag(UdpOffloads.Segmentation) && UnixNative.SetOption(fd, LinuxNative.SolUdp, LinuxNative.UdpSegment, 0) == 0)
        {
            set |= UdpOffloads.Segmentation;
        }

        if (wanted.HasFlag(UdpOffloads.ReceiveCoalescing) && UnixNative.SetOption(fd, LinuxNative.SolUdp, LinuxNative.UdpGro, 1) == 0)
        {
            set |= UdpOffloads.ReceiveCoalescing;
        }

        return set;
    }

    /// <summary>True for an error that an ICMP message may have left on the socket: sending takes it from there, sends nothing, and works the next time.</summary>
    private static bool MayBeOfAnother(int errno) =>
        errno is UnixNative.EIntr or LinuxNative.EConnRefused or LinuxNative.EHostUnreach or LinuxNative.ENetUnreach or LinuxNative.EProto or LinuxNative.EMsgSize;

    /// <summary>The calls to one destination; lives as long as the name on its caller's stack.</summary>
    private readonly struct Sender(SafeFileDescriptor fd, byte* name, uint nameLength) : ITrainSender
    {
        public bool SendOne(byte* datagram, int length)
        {
            for (int tries = 0; ; tries++)
            {
                if (UnixNative.SendTo(fd, datagram, (nuint)length, 0, name, nameLength) == length)
                {
                    return true;
                }

                int errno = Marshal.GetLastPInvokeError();
                if (errno != UnixNative.EIntr && (tries > 0 || !MayBeOfAnother(errno)))
                {
                    return false;
                }
            }
        }

        public TrainResult SendTrain(byte* datagrams, int length, int segmentSize)
        {
            var control = new IntControl { Length = SegmentControlLength, Level = LinuxNative.SolUdp, Type = LinuxNative.UdpSegment };
            *(ushort*)&control.Value = (ushort)segmentSize;
            var vector = new UnixNative.IoVec { Base = datagrams, Length = (nuint)length };
            var message = new LinuxNative.MsgHdr
            {
                Name = name,
                NameLength = nameLength,
                Vectors = &vector,
                VectorCount = 1,
                Control = &control,
                ControlLength = (nuint)sizeof(IntControl),
            };
            for (int tries = 0; ; tries++)
            {
                nint n = LinuxNative.SendMsg(fd, &message, 0);
                if (n >= 0)
                {
                    return TrainResult.Sent;
                }

                int errno = Marshal.GetLastPInvokeError();
                if (errno != UnixNative.EIntr && (tries > 0 || !MayBeOfAnother(errno)))
                {
                    return errno is LinuxNative.EIo or UnixNative.EInval or LinuxNative.EMsgSize or LinuxNative.EOpNotSupp or LinuxNative.ENoProtoOpt
                        ? TrainResult.NotAsTrain
                        : TrainResult.Refused;
                }
            }
        }

        public int SendSingly(byte* datagrams, int length, int segmentSize)
        {
            // At most Trains.MaxSegments: the structures fit on the stack, and sending stays free for any number of threads.
            int count = Trains.CountOf(length, segmentSize);
            UnixNative.IoVec* vectors = stackalloc UnixNative.IoVec[count];
            LinuxNative.MMsgHdr* messages = stackalloc LinuxNative.MMsgHdr[count];
            for (int i = 0; i < count; i++)
            {
                int at = i * segmentSize;
                vectors[i] = new UnixNative.IoVec { Base = datagrams + at, Length = (nuint)Math.Min(segmentSize, length - at) };
                messages[i].Header = new LinuxNative.MsgHdr { Name = name, NameLength = nameLength, Vectors = vectors + i, VectorCount = 1 };
            }

            int refused = 0;
            for (int done = 0; done < count;)
            {
                int n = LinuxNative.SendMMsg(fd, messages + done, (uint)(count - done), 0);
                if (n > 0)
                {
                    done += n;
                }
                else if (Marshal.GetLastPInvokeError() != UnixNative.EIntr)
                {
                    // The first one left has failed; alone it is tried once more, and the rest goes on behind it.
                    refused += SendOne(vectors[done].Base, (int)vectors[done].Length) ? 0 : 1;
                    done++;
                }
            }

            return refused;
        }
    }
}
