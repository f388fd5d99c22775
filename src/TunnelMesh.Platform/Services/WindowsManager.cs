namespace TunnelMesh.Platform.Services;

/// <summary>The service control manager of Windows, by sc.exe. Written from its documentation, and not yet run.</summary>
public sealed class WindowsManager : ServiceManager
{
    /// <inheritdoc/>
    public override string Name => "the service control manager";

    /// <inheritdoc/>
    // It ends what keeps silent after 30 s, and a peer does not answer it yet.
    public override string? Absence => "A peer does not answer the service control manager yet in this version. Have the Task Scheduler run `tunnelmesh join` at the start of the system, as SYSTEM.";

    /// <inheritdoc/>
    public override string EnvironmentFile(string context)
    {
        string folder = Path.Combine(System.Environment.GetFolderPath(System.Environment.SpecialFolder.CommonApplicationData), "TunnelMesh");
        return Path.Combine(folder, context == "default" ? "env.conf" : $"env-{context}.conf");
    }

    /// <inheritdoc/>
    public override string? DescriptionFile(string name) => null;

    /// <inheritdoc/>
    public override string Describe(ServiceDefinition service) => "";

    /// <inheritdoc/>
    public override bool IsOurs(string text) => false;

    /// <inheritdoc/>
    // Making it fails where one of the name exists, so none is ever overwritten.
    public override IReadOnlyList<IReadOnlyList<string>> Enable(ServiceDefinition service) => [.. WindowsService.Create(service).Select(arguments => (IReadOnlyList<string>)["sc.exe", .. arguments])];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Disable(string name) => [["sc.exe", "stop", name], ["sc.exe", "delete", name]];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Forget(string name) => [];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Start(string name) => ["sc.exe", "start", name];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Stop(string name) => ["sc.exe", "stop", name];

    /// <inheritdoc/>
    public override IReadOnlyList<IReadOnlyList<string>> Restart(string name) => [Stop(name), Start(name)];

    /// <inheritdoc/>
    public override IReadOnlyList<string> Status(string name) => ["sc.exe", "query", name];

    /// <inheritdoc/>
    public override IReadOnlyList<string>? Logs(string name, int lines, bool follow) => null;
}
