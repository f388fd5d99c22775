using System.Net.Sockets;
using System.Security.Cryptography;
using TunnelMesh.Platform.Files;

namespace TunnelMesh.Tests.Files;

public sealed class RegularFileTests : IDisposable
{
    private const int Most = 10_000;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("tm-regular-");

    public void Dispose() => _folder.Delete(recursive: true);

    private string PathOf(string name) => Path.Combine(_folder.FullName, name);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(Most)]
    public void All_of_a_file_is_read_also_by_a_link(int length)
    {
        byte[] content = RandomNumberGenerator.GetBytes(length);
        File.WriteAllBytes(PathOf("a"), content);
        Assert.Equal(content, RegularFile.Read(PathOf("a"), Most));
        if (!OperatingSystem.IsWindows())
        {
            File.CreateSymbolicLink(PathOf("link"), "a");
            Assert.Equal(content, RegularFile.Read(PathOf("link"), Most));
        }
    }

    [Fact]
    public void One_that_is_larger_and_one_that_is_missing_are_refused()
    {
        File.WriteAllBytes(PathOf("a"), new byte[Most + 1]);
        Assert.EndsWith("is larger than 10000 bytes", Assert.Throws<InvalidDataException>(() => RegularFile.Read(PathOf("a"), Most)).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => RegularFile.Read(PathOf("a"), 0));
        Assert.Throws<FileNotFoundException>(() => RegularFile.Read(PathOf("b"), Most));
    }

    [Theory]
    [InlineData("pipe")]
    [InlineData("link to a pipe")]
    [InlineData("socket")]
    [InlineData("directory")]
    [InlineData("link to a device without end")]
    public async Task What_is_no_file_is_refused_at_once(string kind)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "elsewhere nobody else's files are read");
        string path = PathOf("a");
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        switch (kind)
        {
            case "pipe":
                ForeignFiles.MakePipe(path);
                break;
            case "link to a pipe":
                ForeignFiles.MakePipe(PathOf("pipe"));
                File.CreateSymbolicLink(path, "pipe");
                break;
            case "socket":
                socket.Bind(new UnixDomainSocketEndPoint(path));
                break;
            case "directory":
                Directory.CreateDirectory(path);
                break;
            default:
                File.CreateSymbolicLink(path, "/dev/zero");
                break;
        }

        // A thread that waited for somebody to write into the pipe would do so for ever.
        InvalidDataException refused = await Assert.ThrowsAsync<InvalidDataException>(() => Task.Run(() => RegularFile.Read(path, Most), TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken));
        Assert.Equal($"{path} is no regular file", refused.Message);
    }
}
