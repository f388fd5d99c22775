using TunnelMesh.Protocol.Packets.Offload;

namespace TunnelMesh.Tests.Packets.Offload;

public sealed class VirtioNetHeaderTests
{
    [Fact]
    public void It_lies_as_the_kernel_lays_it_out_and_reads_back()
    {
        var header = new VirtioNetHeader(VirtioNetHeader.NeedsChecksum, VirtioNetHeader.GsoTcpV6, 0x0102, 0x0304, 0x0506, 0x0708);
        byte[] bytes = new byte[VirtioNetHeader.Size];
        header.Write(bytes);
        Assert.Equal<byte>(BitConverter.IsLittleEndian ? [1, 4, 2, 1, 4, 3, 6, 5, 8, 7] : [1, 4, 1, 2, 3, 4, 5, 6, 7, 8], bytes);
        Assert.True(VirtioNetHeader.TryRead(bytes, out VirtioNetHeader read));
        Assert.Equal(header, read);
        Assert.False(VirtioNetHeader.TryRead(bytes.AsSpan(1), out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => header.Write(new byte[9]));
    }
}
