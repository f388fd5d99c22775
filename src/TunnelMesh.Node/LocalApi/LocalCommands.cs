namespace TunnelMesh.Node.LocalApi;

/// <summary>Values of <see cref="LocalRequest.Command"/>.</summary>
public static class LocalCommands
{
    /// <summary>State of this peer; for readers.</summary>
    public const string Status = "status";
    /// <summary>The other devices; for readers.</summary>
    public const string Peers = "peers";
    /// <summary>Name to addresses; for readers.</summary>
    public const string Resolve = "resolve";
    /// <summary>One ping inside the session of a device; for readers.</summary>
    public const string Ping = "ping";
    /// <summary>How the network lets others reach this peer; for readers.</summary>
    public const string NetCheck = "netcheck";
    /// <summary>How devices are reached, and why not better; for readers.</summary>
    public const string Doctor = "doctor";
    /// <summary>Leave the mesh for good and stop; for root and the owner.</summary>
    public const string Leave = "leave";
    /// <summary>Revoke a device or a user for good; for root and the owner, on a coordinator.</summary>
    public const string Revoke = "revoke";
    /// <summary>The mesh tokens; for root and the owner, on a coordinator.</summary>
    public const string Tokens = "tokens";
    /// <summary>A new mesh token; for root and the owner, on a coordinator.</summary>
    public const string CreateToken = "create_token";
    /// <summary>The end of a mesh token; for root and the owner, on a coordinator.</summary>
    public const string RevokeToken = "revoke_token";
    /// <summary>The orders of transports that the mesh keeps, and a change of one; for root and the owner, on a coordinator.</summary>
    public const string Transports = "transports";
    /// <summary>The groups of users; for readers, on a coordinator.</summary>
    public const string Groups = "groups";
    /// <summary>Who is in a group; for readers, on a coordinator.</summary>
    public const string GroupMembers = "group_members";
    /// <summary>Make a group; for root and the owner, on a coordinator.</summary>
    public const string GroupCreate = "group_create";
    /// <summary>Delete a group; for root and the owner, on a coordinator.</summary>
    public const string GroupDelete = "group_delete";
    /// <summary>Put a user into a group; for root and the owner, on a coordinator.</summary>
    public const string GroupAdd = "group_add";
    /// <summary>Take a user out of a group; for root and the owner, on a coordinator.</summary>
    public const string GroupRemove = "group_remove";
    /// <summary>The rules of the packet filter; for readers.</summary>
    public const string Filter = "filter";
    /// <summary>Add a temporary rule; for root and the owner.</summary>
    public const string FilterAdd = "filter_add";
    /// <summary>Remove a temporary rule; for root and the owner.</summary>
    public const string FilterRemove = "filter_remove";
    /// <summary>Read the filter's part of the configuration again; for root and the owner.</summary>
    public const string FilterReload = "filter_reload";
    /// <summary>Have the system ask this peer for names of the mesh, not the peer of another context; for root and the owner.</summary>
    public const string NamesTake = "names_take";
    /// <summary>Have the system ask this peer no more, since another context's takes over; for root and the owner.</summary>
    public const string NamesYield = "names_yield";
    /// <summary>Stop the peer, the membership stays; for root and the owner.</summary>
    public const string Shutdown = "shutdown";
}
