using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Cli.Logging;
using TunnelMesh.Node.Control;
using TunnelMesh.Tests.NodeControl;

namespace TunnelMesh.Tests.Cli;

public sealed class MembershipStepTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("tm-step").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static PeerMembership Member(bool coordinator = false)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 root = new CertificateRequest("CN=root", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1));
        Protocol.Control.MapFull map = NetworkMapTests.Full(NetworkMapTests.Device("nas", 1));
        return new PeerMembership { Server = "hub:8443", MeshRoot = root.RawData, Mesh = map.Mesh, Device = map.Devices[0] with { Coordinator = coordinator } };
    }

    private PeerHostOptions Options(string? asked, string context, ILogger log) => new()
    {
        Settings = new Settings(),
        Layout = new HomeLayout(new ProcessEnvironment { Home = _directory, UserHome = _directory }, isRoot: false),
        Context = context,
        Name = asked ?? "host",
        AskedName = asked,
        Version = "1",
        Output = TextWriter.Null,
        Error = TextWriter.Null,
        Log = log,
    };

    [Theory]
    [InlineData(null, "default", false, null)]
    [InlineData("nas", "default", false, null)]
    [InlineData("other", "default", false, "This device keeps its name nas, which it has in its mesh; other is not used. To get that name, if no other device has it, leave the mesh and join it anew, as a new device: tunnelmesh leave, then tunnelmesh join hub:8443 --name other")]
    [InlineData("other", "work", false, "tunnelmesh leave --context work, then tunnelmesh join hub:8443 --name other --context work")]
    [InlineData("other", "default", true, "other is not used. A coordinator keeps the name that it founded its mesh with.")]
    public void A_member_that_is_asked_to_have_another_name_says_that_it_keeps_its_own(string? asked, string context, bool coordinator, string? expected)
    {
        string? note = MembershipStep.NameNote(Options(asked, context, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance), Member(coordinator));
        Assert.Equal(expected is null, note is null);
        Assert.EndsWith(expected ?? "", note ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void A_membership_that_cannot_be_written_anew_is_warned_of_and_stays_as_it_is()
    {
        PeerStore store = new(_directory, TimeProvider.System);
        PeerMembership member = Member();
        store.SaveMembership(member);
        // As on a full disk, where no temporary file can be made.
        foreach (string name in new[] { "ca.pem.tmp", "mesh.json.tmp" })
        {
            Directory.CreateDirectory(Path.Combine(_directory, name));
        }
        using StringWriter written = new();
        StandardErrorLogger log = new(written, TimeProvider.System) { Level = LogLevel.Trace };
        MembershipStep.Update(store, member, log);
        Assert.Equal("", written.ToString());
        MembershipStep.Update(store, member with { Server = "elsewhere:8443" }, log);
        Assert.Contains("the state of this peer could not be written", written.ToString(), StringComparison.Ordinal);
        Assert.Equal("hub:8443", store.LoadMembership()!.Server);
    }
}
