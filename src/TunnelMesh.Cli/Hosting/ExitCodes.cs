using System.Net.Sockets;
using TunnelMesh.Cli.Configuration;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Coordinator.Api;
using TunnelMesh.Coordinator.Certificates;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Coordinator.Stun;
using TunnelMesh.Node.Control;
using TunnelMesh.Node.LocalApi;
using TunnelMesh.Platform.Services;
using TunnelMesh.Platform.Sockets;
using TunnelMesh.Platform.Trust;
using TunnelMesh.Platform.Tun;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Cli.Hosting;

/// <summary>Which exit code a failure has. Everything that is not listed is a defect of this program.</summary>
internal static class ExitCodes
{
    /// <summary>What a code means, in a few words.</summary>
    public static string Describe(ExitCode code) => code switch
    {
        ExitCode.Ok => "Done",
        ExitCode.General => "A failure without a code of its own",
        ExitCode.Usage => "Wrong command line",
        ExitCode.Configuration => "The configuration, the token or the home directory cannot be used",
        ExitCode.Permission => "Missing rights, or no TUN driver",
        ExitCode.Network => "Network trouble, or the other side cannot be reached",
        ExitCode.Refused => "Refused by the other side, or it has not proved itself",
        ExitCode.NotRunning => "No peer is running here, or it has not joined yet",
        ExitCode.InUse => "A port, interface, control socket or the coordinator's state is in use",
        ExitCode.DamagedState => "A key, state or cache file is damaged",
        ExitCode.VersionMismatch => "The other side speaks another protocol version, or a newer program wrote the state",
        ExitCode.Clock => "The clock is wrong",
        _ => code.ToString(),
    };

    /// <summary>The code of an expected failure, or null for a defect.</summary>
    public static ExitCode? Of(Exception failure) => failure switch
    {
        HostException e => e.Code,
        ConfigException => ExitCode.Configuration,
        PeerNotRunningException => ExitCode.NotRunning,
        PeerAlreadyRunningException => ExitCode.InUse,
        LocalApiException e => OfLocal(e.Code),
        ControlException e => OfControl(e.Code),
        RegistrationRefusedException e => OfControl(e.Code),
        TunException e => OfTun(e.Error),
        UdpSocketException e => OfUdp(e.Error),
        TcpPortException e => OfListen(e.Error),
        PeerStoreException or CertificateStoreException or IdentityFormatException => ExitCode.DamagedState,
        CoordinatorStateException e => OfState(e.Problem),
        StorageFailedException => ExitCode.General,
        TokenSetupException => ExitCode.Configuration,
        CoordinatorListenException e => OfListen(e.Error),
        StunListenException e => OfListen(e.Error),
        UnauthorizedAccessException => ExitCode.Permission,
        TrustStoreException => ExitCode.General,
        ServiceException e => e.Problem switch
        {
            ServiceProblem.Denied => ExitCode.Permission,
            ServiceProblem.InUse => ExitCode.InUse,
            ServiceProblem.NotRunning => ExitCode.NotRunning,
            _ => ExitCode.General,
        },
        SocketException => ExitCode.Network,
        IOException or PlatformNotSupportedException or OperationCanceledException => ExitCode.General,
        _ => null,
    };

    /// <summary>True for an end of a service that would be the same every time, so that starting it again is no use (docs/service.md).</summary>
    public static bool IsFinal(int code) => (ExitCode)code is ExitCode.Usage or ExitCode.Configuration or ExitCode.Permission or ExitCode.Refused or ExitCode.DamagedState or ExitCode.VersionMismatch;

    /// <summary>The code of a refusal of the coordinator, or of a failure to talk to it.</summary>
    public static ExitCode OfControl(string code) => code switch
    {
        ControlFailure.Unreachable or ControlFailure.Timeout or ControlFailure.NotACoordinator => ExitCode.Network,
        ControlFailure.Tls or ControlFailure.ProofMismatch => ExitCode.Refused,
        ControlErrorCodes.ProofRefused or ControlErrorCodes.RateLimited or ControlErrorCodes.Revoked or ControlErrorCodes.UnknownDevice
            or ControlErrorCodes.DeviceInUse or ControlErrorCodes.NameRefused or ControlErrorCodes.AddressesExhausted => ExitCode.Refused,
        ControlErrorCodes.UnsupportedVersion or ControlErrorCodes.BadMessage or ControlErrorCodes.UnknownType => ExitCode.VersionMismatch,
        ControlErrorCodes.ClockSkew => ExitCode.Clock,
        _ => ExitCode.General,
    };

    private static ExitCode OfLocal(string code) => code switch
    {
        LocalErrorCodes.BadRequest => ExitCode.Usage,
        LocalErrorCodes.BadConfiguration => ExitCode.Configuration,
        LocalErrorCodes.Forbidden => ExitCode.Permission,
        LocalErrorCodes.Unreachable => ExitCode.Network,
        LocalErrorCodes.UnknownCommand or LocalErrorCodes.OtherVersion => ExitCode.VersionMismatch,
        LocalErrorCodes.Starting => ExitCode.NotRunning,
        _ => ExitCode.General,
    };

    private static ExitCode OfListen(SocketError error) => error switch
    {
        SocketError.AddressAlreadyInUse => ExitCode.InUse,
        SocketError.AccessDenied => ExitCode.Permission,
        _ => ExitCode.Configuration,
    };

    private static ExitCode OfState(StateProblem problem) => problem switch
    {
        StateProblem.InUse => ExitCode.InUse,
        StateProblem.OtherSettings => ExitCode.Configuration,
        StateProblem.Newer => ExitCode.VersionMismatch,
        StateProblem.Unusable => ExitCode.General,
        _ => ExitCode.DamagedState,
    };

    private static ExitCode OfTun(TunError error) => error switch
    {
        TunError.NotPermitted or TunError.NoDriver => ExitCode.Permission,
        TunError.NameInUse => ExitCode.InUse,
        TunError.BadOptions => ExitCode.Configuration,
        _ => ExitCode.General,
    };

    private static ExitCode OfUdp(UdpError error) => error switch
    {
        UdpError.PortInUse => ExitCode.InUse,
        UdpError.NotPermitted => ExitCode.Permission,
        _ => ExitCode.General,
    };
}
