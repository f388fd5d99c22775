namespace TunnelMesh.Platform.Services;

/// <summary>What is asked of the service control manager of Windows. Each call answers with a code of winerror.h, 0 for success.</summary>
internal interface IWindowsServiceControl
{
    /// <summary>Makes a service that starts with the system and is restarted after a crash.</summary>
    int Create(WindowsServiceEntry entry);

    /// <summary>Makes one that exists as described.</summary>
    int Change(WindowsServiceEntry entry);

    /// <summary>Removes one, at once or when the last that uses it lets go.</summary>
    int Delete(string name);

    /// <summary>Asks for a start, and does not wait for it.</summary>
    int Start(string name);

    /// <summary>Asks for a stop, and does not wait for it.</summary>
    int Stop(string name);

    /// <summary>How it is.</summary>
    int Query(string name, out WindowsServiceStatus status);

    /// <summary>Its command line.</summary>
    int ReadCommandLine(string name, out string commandLine);
}
