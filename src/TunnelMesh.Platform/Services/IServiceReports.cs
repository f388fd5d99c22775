namespace TunnelMesh.Platform.Services;

/// <summary>What a service tells the manager that started it. What cannot be told is lost: a peer does not stop because nobody listens. Any thread.</summary>
public interface IServiceReports : IDisposable
{
    /// <summary>The service is usable.</summary>
    /// <param name="status">One line for people.</param>
    void Ready(string status);

    /// <summary>The service begins to stop.</summary>
    void Stopping();

    /// <summary>All is well.</summary>
    void Alive();
}
