using System.Net.Sockets;
using TunnelMesh.Platform.Journals;
using TunnelMesh.Platform.Sockets;

namespace TunnelMesh.Platform.Exit;

/// <summary>Windows: routes alone, which the system takes back with the adapter, so that nothing has to be written down. What is more exact than they goes past them.</summary>
/// <param name="routes">The routes.</param>
/// <param name="binding">Keeps the mesh's own sockets beside them.</param>
internal sealed class WindowsExitSetup(WindowsHalfRoutes routes, InterfaceBinding? binding) : IExitSetup
{
    private ExitUse? _use;
    private bool _leads;

    public string? Weakness => null;

    public string? Forwarding => null;

    public Recovery? Recover(bool keepBlock) => null;

    public void Serve(ExitServing serving) => throw new ExitException("Windows cannot tell what is passed on from what is for itself.");

    public void Use(ExitUse use, bool leads)
    {
        ArgumentNullException.ThrowIfNull(use);
        if (use.Source6 is null && Socket.OSSupportsIPv6)
        {
            throw new ExitException("the mesh's interface has no IPv6, so that IPv6 would leave past it. Set tun.mtu to 1280 or more, or switch IPv6 off on this machine.");
        }

        _use = use;
        try
        {
            Lead(leads);
        }
        catch (ExitException)
        {
            Revert();
            throw;
        }
    }

    public void Lead(bool leads)
    {
        if (_use is not { } use)
        {
            return;
        }

        // What fails is tried again by the checks.
        _leads = leads;
        if (leads)
        {
            routes.Add(use);
        }
        else
        {
            routes.Remove(use);
        }
    }

    public void Check()
    {
        binding?.Refresh();
        if (_leads)
        {
            Lead(leads: true);
        }
    }

    // There are no rules, and nothing outlives the process.
    public bool CheckRules() => false;

    public void Renew()
    {
        // There is nothing that would end.
    }

    public void CheckForwarding()
    {
        // Nothing is passed on.
    }

    public IDisposable? WatchRules(Action notice) => null;

    public void Close(ExitUse use) => throw new ExitException("this version has no kill switch on Windows.");

    public bool IsClosed() => false;

    public string? Revert()
    {
        try
        {
            Lead(leads: false);
            _use = null;
            return null;
        }
        catch (ExitException e)
        {
            return e.Message;
        }
    }

    public void Dispose()
    {
        // The adapter takes the routes with it.
    }
}
