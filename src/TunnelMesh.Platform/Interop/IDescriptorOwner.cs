using System.Runtime.InteropServices;

namespace TunnelMesh.Platform.Interop;

/// <summary>A device behind a Unix file descriptor.</summary>
internal interface IDescriptorOwner
{
    /// <summary>The descriptor; stays the device's.</summary>
    SafeHandle Descriptor { get; }
}
