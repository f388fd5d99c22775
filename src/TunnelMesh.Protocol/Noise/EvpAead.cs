using System.Security.Cryptography;

namespace TunnelMesh.Protocol.Noise;

/// <summary>
/// <see cref="TransportAead"/> over libcrypto's EVP interface. The key schedule is made once and a packet changes only the
/// nonce, which is what the framework's class cannot do. Key material lives in libcrypto's memory, which clears it on Dispose.
/// </summary>
internal sealed unsafe class EvpAead : TransportAead
{
    private readonly LibCrypto _library;
    private readonly EvpContextHandle _context;

    /// <summary>A cipher under a 32-byte key.</summary>
    /// <exception cref="ArgumentException">Not 32 bytes.</exception>
    /// <exception cref="CryptographicException">libcrypto refuses the cipher, as its FIPS provider does.</exception>
    public EvpAead(LibCrypto library, ReadOnlySpan<byte> key)
    {
        if (key.Length != WireGuardMessage.KeySize)
        {
            throw new ArgumentException($"A ChaCha20-Poly1305 key has {WireGuardMessage.KeySize} bytes, this one has {key.Length}.", nameof(key));
        }
        _library = library;
        _context = library.NewContext();
        fixed (byte* keyBytes = key)
        {
            if (_context.IsInvalid || library.CipherInit(_context.DangerousGetHandle(), library.ChaCha20Poly1305, 0, keyBytes, null, LibCrypto.Encrypt) != 1)
            {
                library.ClearErrors();
                _context.Dispose();
                throw Failed("set the key");
            }
        }
    }

    /// <inheritdoc/>
    public override void Seal(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> plain, ReadOnlySpan<byte> associated, Span<byte> cipher, Span<byte> tag)
    {
        Check(nonce, plain, cipher, tag);
        bool held = false, done;
        try
        {
            _context.DangerousAddRef(ref held);
            nint context = _context.DangerousGetHandle();
            fixed (byte* tagBytes = tag)
            {
                done = Run(context, LibCrypto.Encrypt, nonce, plain, associated, cipher)
                    && Finish(context)
                    && _library.CipherControl(context, LibCrypto.GetTag, WireGuardMessage.TagSize, tagBytes) == 1;
            }
        }
        finally
        {
            if (held)
            {
                _context.DangerousRelease();
            }
        }
        if (!done)
        {
            // What stands there may be plaintext still, and must not be sent.
            CryptographicOperations.ZeroMemory(cipher);
            CryptographicOperations.ZeroMemory(tag);
            _library.ClearErrors();
            throw Failed("seal");
        }
    }

    /// <inheritdoc/>
    public override bool TryOpen(ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> cipher, ReadOnlySpan<byte> associated, Span<byte> plain, ReadOnlySpan<byte> tag)
    {
        Check(nonce, cipher, plain, tag);
        bool held = false, authentic;
        try
        {
            _context.DangerousAddRef(ref held);
            nint context = _context.DangerousGetHandle();
            fixed (byte* tagBytes = tag)
            {
                // libcrypto copies the tag here and compares it in constant time at the end.
                authentic = Run(context, LibCrypto.Decrypt, nonce, cipher, associated, plain)
                    && _library.CipherControl(context, LibCrypto.SetTag, WireGuardMessage.TagSize, tagBytes) == 1
                    && Finish(context);
            }
        }
        finally
        {
            if (held)
            {
                _context.DangerousRelease();
            }
        }
        if (!authentic)
        {
            CryptographicOperations.ZeroMemory(plain);
            // The queue is the thread's: what stays in it would be blamed on the next TLS call there.
            _library.ClearErrors();
        }
        return authentic;
    }

    /// <inheritdoc/>
    public override void Dispose() => _context.Dispose();

    private bool Run(nint context, int direction, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> input, ReadOnlySpan<byte> associated, Span<byte> output)
    {
        int written;
        fixed (byte* nonceBytes = nonce, inputBytes = input, associatedBytes = associated, outputBytes = output)
        {
            // A null input means the end to libcrypto, so an empty one is not passed at all.
            return _library.CipherInit(context, 0, 0, null, nonceBytes, direction) == 1
                && (associated.IsEmpty || _library.CipherUpdate(context, null, &written, associatedBytes, associated.Length) == 1)
                && (input.IsEmpty || (_library.CipherUpdate(context, outputBytes, &written, inputBytes, input.Length) == 1 && written == input.Length));
        }
    }

    private bool Finish(nint context)
    {
        // A stream cipher has nothing left to write, but the call wants somewhere to write it.
        byte* rest = stackalloc byte[WireGuardMessage.TagSize];
        int written;
        return _library.CipherFinal(context, rest, &written) == 1;
    }

    private static CryptographicException Failed(string what) => new($"libcrypto could not {what} with ChaCha20-Poly1305.");
}
