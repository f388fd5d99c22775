namespace TunnelMesh.Platform.Interop;

/// <summary>A device behind a Unix file descriptor.</summary>
internal interface IDescriptorOwner
{
    /// <summary>The descriptor; stays the device's.</summary>
    SafeFileDescriptor Descriptor { get; }
}
