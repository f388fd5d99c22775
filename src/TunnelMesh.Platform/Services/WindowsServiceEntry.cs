namespace TunnelMesh.Platform.Services;

/// <summary>A service as the service control manager keeps it, for everybody to read: no secret is in it. Pure.</summary>
/// <param name="Name">Name for programs.</param>
/// <param name="DisplayName">Name for people; no two services have the same.</param>
/// <param name="Description">What it is, for people.</param>
/// <param name="CommandLine">Program and arguments, quoted.</param>
internal sealed record WindowsServiceEntry(string Name, string DisplayName, string Description, string CommandLine)
{
    /// <summary>When it has ended without saying so: how long after the first, the second and every further time it is started again, in milliseconds.</summary>
    public static IReadOnlyList<int> RestartDelays { get; } = [5000, 5000, 30_000];

    /// <summary>After how many seconds without a failure they are counted anew.</summary>
    public const int ResetSeconds = 3600;

    /// <summary>Describes one.</summary>
    /// <exception cref="ServiceException">An argument holds a control character.</exception>
    public static WindowsServiceEntry Of(ServiceDefinition service) => new(
        service.Name,
        $"TunnelMesh ({service.Context})",
        $"TunnelMesh peer, context {service.Context}",
        WindowsCommandLine.Join([service.Program, .. WindowsServiceArguments.Write(service)]));
}
