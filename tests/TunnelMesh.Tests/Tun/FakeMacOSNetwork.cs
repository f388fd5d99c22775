using System.Buffers.Binary;
using System.Text;
using TunnelMesh.Platform.Interop;
using TunnelMesh.Platform.Tun;

namespace TunnelMesh.Tests.Tun;

/// <summary>Notes what macOS would be asked, and answers as it is told to.</summary>
internal sealed class FakeMacOSNetwork : IMacOSNetwork
{
    public List<string> Asked { get; } = [];

    /// <summary>The errno of a request, by its line in <see cref="Asked"/>.</summary>
    public Func<string, int> Answer { get; set; } = _ => 0;

    public int Control(int family, uint request, Span<byte> argument)
    {
        string what = request switch
        {
            MacOSNative.SioCSIfMtu => $"mtu {BinaryPrimitives.ReadInt32LittleEndian(argument[16..])}",
            MacOSNative.SioCGIfFlags => "flags?",
            MacOSNative.SioCSIfFlags => $"flags {BinaryPrimitives.ReadUInt16LittleEndian(argument[16..]):x}",
            MacOSNative.SioCAIfAddr => "address " + new System.Net.IPAddress(argument[20..24]),
            MacOSNative.SioCAIfAddrIn6 => "address " + new System.Net.IPAddress(argument[24..40]),
            _ => $"{request:x}",
        };
        if (request == MacOSNative.SioCGIfFlags)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(argument[16..], 0x8010);
        }

        return Note($"{Encoding.ASCII.GetString(argument[..16]).TrimEnd('\0')} {(family == 2 ? "v4" : "v6")} {what}");
    }

    public int Route(ReadOnlySpan<byte> message) =>
        Note((message[3] == 2 ? "no " : "") + "route " + (message[93] == 2 ? new System.Net.IPAddress(message[96..100]) : new System.Net.IPAddress(message[100..116]))
            + ((message[8] & 8) != 0 ? " nowhere" : " into " + BinaryPrimitives.ReadUInt16LittleEndian(message[4..])));

    private int Note(string line)
    {
        Asked.Add(line);
        return Answer(line);
    }
}
