using System.Reflection;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Cli.Hosting;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Coordinator.Stun;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Tests.Cli;

public sealed class ExitCodesTests
{
    public static TheoryData<Exception, int> Failures => new()
    {
        { new ConfigException("c.yaml:1: unknown key"), 3 },
        { new TunException(TunError.NotPermitted, "not root"), 4 },
        { new TunException(TunError.NoDriver, "no /dev/net/tun"), 4 },
        { new TunException(TunError.NameInUse, "exists"), 8 },
        { new TunException(TunError.BadOptions, "mtu"), 3 },
        { new TunException(TunError.Gone, "removed"), 1 },
        { new UdpSocketException(UdpError.PortInUse, 2223, "in use"), 8 },
        { new UdpSocketException(UdpError.NotPermitted, 80, "no right"), 4 },
        { new PeerStoreException("damaged"), 9 },
        { new CertificateStoreException("damaged"), 9 },
        { new CoordinatorStateException(StateProblem.Damaged, "damaged"), 9 },
        { new CoordinatorStateException(StateProblem.InUse, "in use"), 8 },
        { new CoordinatorStateException(StateProblem.OtherSettings, "another range"), 3 },
        { new CoordinatorStateException(StateProblem.Newer, "newer"), 10 },
        { new CoordinatorStateException(StateProblem.Unusable, "read-only"), 1 },
        { new IdentityFormatException("encrypted"), 9 },
        { new StunListenException(new(0, 3478), System.Net.Sockets.SocketError.AddressAlreadyInUse, new IOException()), 8 },
        { new PeerNotRunningException("none"), 7 },
        { new PeerAlreadyRunningException("one"), 8 },
        { new LocalApiException(LocalErrorCodes.BadRequest, "no such duration"), 2 },
        { new LocalApiException(LocalErrorCodes.BadConfiguration, "c.yaml:1: unknown key"), 3 },
        { new LocalApiException(LocalErrorCodes.Forbidden, "no"), 4 },
        { new LocalApiException(LocalErrorCodes.Unreachable, "away"), 5 },
        { new LocalApiException(LocalErrorCodes.UnknownCommand, "what"), 10 },
        { new LocalApiException(LocalErrorCodes.OtherVersion, "other"), 10 },
        { new LocalApiException(LocalErrorCodes.Starting, "starting"), 7 },
        { new LocalApiException(LocalErrorCodes.NotFound, "no such name"), 1 },
        { new ControlException(ControlFailure.Unreachable, "away"), 5 },
        { new ControlException(ControlErrorCodes.ProofRefused, "wrong token"), 6 },
        { new ControlException(ControlFailure.Tls, "another mesh"), 6 },
        { new ControlException(ControlErrorCodes.Revoked, "revoked"), 6 },
        { new ControlException(ControlErrorCodes.UnsupportedVersion, "too new"), 10 },
        { new ControlException(ControlErrorCodes.ClockSkew, "hours off"), 11 },
        { new ControlException(ControlErrorCodes.StorageFailed, "disk full"), 1 },
        { new RegistrationRefusedException(ControlErrorCodes.NameRefused, "reserved"), 6 },
        { new UnauthorizedAccessException("no"), 4 },
        { new IOException("No space left on device"), 1 },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void Every_failure_that_can_be_expected_has_its_code(Exception failure, int code) => Assert.Equal(code, (int)ExitCodes.Of(failure)!.Value);

    [Fact]
    public void Every_code_of_the_protocol_has_an_exit_code_of_its_own_kind()
    {
        string[] codes = [.. new[] { typeof(ControlErrorCodes), typeof(ControlFailure) }
            .SelectMany(t => t.GetFields(BindingFlags.Public | BindingFlags.Static)).Select(f => (string)f.GetRawConstantValue()!)];
        string[] general = [ControlErrorCodes.StorageFailed, ControlErrorCodes.Internal];
        Assert.NotEmpty(codes);
        Assert.Equal(general.Order(), codes.Where(c => ExitCodes.OfControl(c) == ExitCode.General).Order());
    }

    [Theory]
    [InlineData(false, true, "Run this as root, or as the user who owns it.")]
    [InlineData(true, true, "It is a directory, where a file belongs. Move it away.")]
    [InlineData(true, false, "is denied.")]
    public async Task Root_is_not_told_to_be_root(bool isRoot, bool directory, string expected)
    {
        string path = directory ? AppContext.BaseDirectory : Path.Combine(AppContext.BaseDirectory, "none");
        using StringWriter error = new();
        Assert.Equal(4, await FailureReport.WriteAsync(new UnauthorizedAccessException($"Access to the path '{path}' is denied."), error, isRoot, trace: false));
        Assert.EndsWith(expected, error.ToString().TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_defect_asks_to_be_reported_and_shows_its_stack_only_when_debugging()
    {
        using StringWriter error = new();
        Assert.Equal(1, await FailureReport.WriteAsync(new InvalidOperationException("a\n\u001b[2Jb"), error, isRoot: false, trace: false));
        Assert.Equal($"tunnelmesh: internal error: a [2Jb (InvalidOperationException), please report{Environment.NewLine}", error.ToString());
        Exception thrown = Record.Exception(void () => throw new InvalidOperationException("c"))!;
        Assert.Equal(1, await FailureReport.WriteAsync(thrown, error, isRoot: false, trace: true));
        Assert.Contains(nameof(A_defect_asks_to_be_reported_and_shows_its_stack_only_when_debugging), error.ToString(), StringComparison.Ordinal);
    }
}
