using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace TunnelMesh.Protocol.Noise;

/// <summary>
/// The few functions of OpenSSL's libcrypto (3.x, 1.1) that ChaCha20-Poly1305 needs, by EVP_EncryptInit(3), resolved at run
/// time. Immutable and thread-safe. Linux only: elsewhere libcrypto is not part of the system, and macOS ends a process that
/// loads its own.
/// </summary>
internal sealed unsafe class LibCrypto
{
    public const int Decrypt = 0, Encrypt = 1;
    public const int GetTag = 0x10, SetTag = 0x11;

    // RFC 8439 under the all-zero key and nonce, of nothing.
    private static ReadOnlySpan<byte> KnownTag => [0x4e, 0xb9, 0x72, 0xc9, 0xa8, 0xfb, 0x3a, 0x1b, 0x38, 0x2b, 0xb4, 0xd3, 0x6f, 0x5f, 0xfa, 0xd1];

    private const ulong InitNoAtExit = 0x00080000;
    private static readonly string[] Names = ["libcrypto.so.3", "libcrypto.so.1.1"];

    /// <summary>(context, cipher, engine, key, nonce, direction); 0 keeps what was set before. 1 is success, as for the others.</summary>
    public readonly delegate* unmanaged<nint, nint, nint, byte*, byte*, int, int> CipherInit;

    /// <summary>(context, output or null for associated data, bytes written, input, input length).</summary>
    public readonly delegate* unmanaged<nint, byte*, int*, byte*, int, int> CipherUpdate;

    /// <summary>(context, output, bytes written); when opening, 0 says that the tag does not fit.</summary>
    public readonly delegate* unmanaged<nint, byte*, int*, int> CipherFinal;

    /// <summary>(context, <see cref="GetTag"/> or <see cref="SetTag"/>, length, tag).</summary>
    public readonly delegate* unmanaged<nint, int, int, byte*, int> CipherControl;

    /// <summary>Empties this thread's error queue.</summary>
    public readonly delegate* unmanaged<void> ClearErrors;

    /// <summary>The cipher for <see cref="CipherInit"/>.</summary>
    public readonly nint ChaCha20Poly1305;

    private readonly delegate* unmanaged<nint> _newContext;
    private readonly delegate* unmanaged<nint, void> _freeContext;

    private LibCrypto(nint library)
    {
        // An exit handler would take libcrypto's tables away from threads that still seal. The framework asks for the same.
        ((delegate* unmanaged<ulong, nint, int>)NativeLibrary.GetExport(library, "OPENSSL_init_crypto"))(InitNoAtExit, 0);
        CipherInit = (delegate* unmanaged<nint, nint, nint, byte*, byte*, int, int>)NativeLibrary.GetExport(library, "EVP_CipherInit_ex");
        CipherUpdate = (delegate* unmanaged<nint, byte*, int*, byte*, int, int>)NativeLibrary.GetExport(library, "EVP_CipherUpdate");
        CipherFinal = (delegate* unmanaged<nint, byte*, int*, int>)NativeLibrary.GetExport(library, "EVP_CipherFinal_ex");
        CipherControl = (delegate* unmanaged<nint, int, int, byte*, int>)NativeLibrary.GetExport(library, "EVP_CIPHER_CTX_ctrl");
        ClearErrors = (delegate* unmanaged<void>)NativeLibrary.GetExport(library, "ERR_clear_error");
        _newContext = (delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "EVP_CIPHER_CTX_new");
        _freeContext = (delegate* unmanaged<nint, void>)NativeLibrary.GetExport(library, "EVP_CIPHER_CTX_free");
        ChaCha20Poly1305 = ((delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "EVP_chacha20_poly1305"))();
    }

    /// <summary>The library, or null where there is none that has ChaCha20-Poly1305. Found once; it stays loaded.</summary>
    public static LibCrypto? Instance { get; } = Find();

    /// <summary>A context without cipher and key; invalid when memory is exhausted.</summary>
    public EvpContextHandle NewContext() => new(_newContext(), _freeContext);

    private static LibCrypto? Find()
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }
        foreach (string name in Names)
        {
            // By name alone, so that the loader's own directories are searched and not the one the program lies in.
            if (NativeLibrary.TryLoad(name, out nint library) && TryUse(library) is { } usable)
            {
                return usable;
            }
        }
        return null;
    }

    // A build of libcrypto may lack the cipher, and the FIPS provider refuses it: one sealing tells.
    private static LibCrypto? TryUse(nint handle)
    {
        try
        {
            LibCrypto library = new(handle);
            using EvpAead cipher = new(library, stackalloc byte[WireGuardMessage.KeySize]);
            Span<byte> tag = stackalloc byte[WireGuardMessage.TagSize];
            cipher.Seal(0, default, tag);
            return tag.SequenceEqual(KnownTag) ? library : null;
        }
        catch (Exception e) when (e is EntryPointNotFoundException or CryptographicException)
        {
            return null;
        }
    }
}
