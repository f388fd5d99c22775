namespace TunnelMesh.Platform.Services;

/// <summary>Why a service could not be managed, as far as programs tell it apart.</summary>
public enum ServiceProblem
{
    /// <summary>None of the others.</summary>
    Other,
    /// <summary>The user may not.</summary>
    Denied,
    /// <summary>A service of the name is there, and is another's or differs.</summary>
    InUse,
    /// <summary>There is no such service, or it does not run.</summary>
    NotRunning,
}
