using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Node.Control;

/// <summary>Joins a mesh by mutual proof, and renews a device's certificate by its keys. Thread-safe, keeps nothing between calls.</summary>
/// <param name="clock">Wall clock.</param>
public sealed class CoordinatorClient(TimeProvider clock)
{
    private const int MaxNote = 500;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan WorstClock = TimeSpan.FromHours(1);

    /// <summary>
    /// Joins with a token. The token is never sent; nothing the server says is believed before it has proved that it knows the
    /// token too, for the very TLS key of this connection.
    /// </summary>
    /// <param name="request">Who asks, and where.</param>
    /// <param name="token">Normalised token (<see cref="MeshToken.TryParse"/>).</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="ControlException">With a code and a message for people.</exception>
    public Task<JoinResult> JoinAsync(JoinRequest request, string token, CancellationToken cancel) => JoinAsync(request, token, null, cancel);

    /// <inheritdoc cref="JoinAsync(JoinRequest, string, CancellationToken)"/>
    /// <param name="request">Who asks, and where.</param>
    /// <param name="token">Normalised token (<see cref="MeshToken.TryParse"/>).</param>
    /// <param name="ready">Called with the mesh root that the server names, which it has not proved yet, before it is asked to admit the device; what it throws ends the join, and nothing was registered.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="ControlException">With a code and a message for people.</exception>
    public Task<JoinResult> JoinAsync(JoinRequest request, string token, Action<X509Certificate2>? ready, CancellationToken cancel) =>
        GuardAsync(request, time => TalkAsync(request, token, null, ready, time), cancel);

    /// <summary>A new certificate for a known device; works after the old one has ended.</summary>
    /// <param name="request">Who asks, and where.</param>
    /// <param name="meshRoot">The pinned mesh root, DER.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="ControlException">With a code and a message for people.</exception>
    public Task<JoinResult> RenewAsync(JoinRequest request, byte[] meshRoot, CancellationToken cancel) =>
        GuardAsync(request, time => TalkAsync(request, null, meshRoot, null, time), cancel);

    private static async Task<JoinResult> GuardAsync(JoinRequest request, Func<CancellationToken, Task<JoinResult>> talk, CancellationToken cancel)
    {
        using CancellationTokenSource time = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        time.CancelAfter(Patience);
        try
        {
            return await talk(time.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            throw new ControlException(ControlFailure.Timeout, $"The server at {request.Server} took the connection but did not finish within {Patience.TotalSeconds:0} seconds. Is it a TunnelMesh coordinator?");
        }
    }

    private async Task<JoinResult> TalkAsync(JoinRequest request, string? token, byte[]? meshRoot, Action<X509Certificate2>? ready, CancellationToken cancel)
    {
        bool renewal = token is null;
        using X509Certificate2? pinned = meshRoot is null ? null : X509CertificateLoader.LoadCertificate(meshRoot);
        await using ControlConnection connection = await ControlConnection.ConnectAsync(request.Server,
            renewal ? ControlProtocol.RenewPath : ControlProtocol.JoinPath, request.Dialling,
            (leaf, others) => pinned is null ? null : CheckCoordinator(leaf, others, pinned), null, ControlProtocol.MaxProofMessageBytes, cancel).ConfigureAwait(false);

        using ECDsa tlsKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        JoinHello hello = new()
        {
            Version = ControlProtocol.Version,
            OldestVersion = ControlProtocol.OldestVersion,
            Nonce = RandomNumberGenerator.GetBytes(32),
            IdentityKey = request.Identity.PublicKey.ToArray(),
            DeviceKey = request.Device.Public.ToArray(),
            TlsKey = tlsKey.ExportSubjectPublicKeyInfo(),
            Name = request.Name,
            UnixTimeMs = clock.GetUtcNow().ToUnixTimeMilliseconds(),
            ProgramVersion = request.ProgramVersion,
        };
        await connection.SendAsync(hello, cancel).ConfigureAwait(false);
        JoinChallenge challenge = await ExpectAsync<JoinChallenge>(connection, request, cancel).ConfigureAwait(false);
        using X509Certificate2 root = CheckChallenge(challenge, request, meshRoot);
        if (request.CaPin is not null)
        {
            RequireCoordinator(connection, challenge, root, request);
        }

        ready?.Invoke(root);
        byte[] transcript = JoinTranscript.Compute(hello, challenge, connection.ServerSpki, renewal);
        byte[] tokenKey = renewal ? [] : JoinProofs.TokenKey(token!);
        byte[] record = DeviceRecord.Create(request.Identity, request.Name, SHA256.HashData(root.RawData), request.Device.Public,
            (ulong)clock.GetUtcNow().ToUnixTimeMilliseconds(), expiry: 0);
        await connection.SendAsync(Prove(request, challenge, transcript, tokenKey, record, renewal), cancel).ConfigureAwait(false);

        JoinAccepted accepted = await ExpectAsync<JoinAccepted>(connection, request, cancel).ConfigureAwait(false);
        if (!renewal && !JoinProofs.VerifyCoordinatorToken(accepted.TokenProof, tokenKey, transcript))
        {
            throw new ControlException(ControlFailure.ProofMismatch, $"The server at {request.Server} could not prove that it knows the mesh token: " +
                "someone stands between this machine and the coordinator, or it is not your coordinator. Nothing secret was sent. Check the address; do not go on over this network.");
        }
        RequireCoordinator(connection, challenge, root, request);
        return Believe(request, accepted, root, tlsKey);
    }

    private static JoinProof Prove(JoinRequest request, JoinChallenge challenge, byte[] transcript, byte[] tokenKey, byte[] record, bool renewal)
    {
        Span<byte> shared = stackalloc byte[32];
        if (!request.Device.TryAgree(challenge.EphemeralKey, shared))
        {
            throw new ControlException(ControlErrorCodes.BadMessage, $"The server at {request.Server} sent a key that cannot be used. It is not a sound coordinator.");
        }
        JoinProof proof = new()
        {
            TokenProof = renewal ? [] : JoinProofs.PeerTokenProof(tokenKey, transcript),
            IdentitySignature = request.Identity.Sign(JoinProofs.IdentityMessage(transcript, record)),
            DeviceProof = JoinProofs.DeviceProof(shared, transcript, record),
            DeviceRecord = record,
        };
        CryptographicOperations.ZeroMemory(shared);
        return proof;
    }

    private static async Task<T> ExpectAsync<T>(ControlConnection connection, JoinRequest request, CancellationToken cancel) where T : class =>
        await connection.ReceiveAsync(cancel).ConfigureAwait(false) as T ??
        throw new ControlException(ControlFailure.NotACoordinator, $"The server at {request.Server} does not speak TunnelMesh's protocol. Check host and port, and that both run the same version.");

    private X509Certificate2 CheckChallenge(JoinChallenge challenge, JoinRequest request, byte[]? meshRoot)
    {
        if (challenge.Version is < ControlProtocol.OldestVersion or > ControlProtocol.Version)
        {
            throw new ControlException(ControlErrorCodes.UnsupportedVersion, $"The coordinator {request.Server} speaks protocol {challenge.Version}, this program {ControlProtocol.OldestVersion} to {ControlProtocol.Version}. Update the older of the two.");
        }
        DateTimeOffset now = clock.GetUtcNow();
        double offset = challenge.UnixTimeMs - (double)now.ToUnixTimeMilliseconds();
        if (Math.Abs(offset) > WorstClock.TotalMilliseconds)
        {
            throw new ControlException(ControlErrorCodes.ClockSkew, $"This machine's clock ({now:u}) is {Math.Abs(offset) / 3_600_000:0.#} hours {(offset > 0 ? "behind" : "ahead of")} the coordinator's. " +
                "Certificates cannot work like this. Set the clock (for example: timedatectl set-ntp true), then join again.");
        }
        X509Certificate2? root = null;
        try
        {
            if (challenge.Nonce.Length == 32 && challenge.CaCertificates.Count > 0)
            {
                root = X509CertificateLoader.LoadCertificate(challenge.CaCertificates[0]);
            }
        }
        catch (CryptographicException)
        {
            // Told below, as any other damage.
        }
        if (root is null)
        {
            throw new ControlException(ControlErrorCodes.BadMessage, $"The server at {request.Server} sent a damaged challenge. It is not a sound coordinator.");
        }
        bool pinned = request.CaPin is null || CryptographicOperations.FixedTimeEquals(SHA256.HashData(root.RawData), request.CaPin);
        if (!pinned || (meshRoot is not null && !root.RawDataMemory.Span.SequenceEqual(meshRoot)))
        {
            string seen = Convert.ToHexStringLower(SHA256.HashData(root.RawData));
            root.Dispose();
            throw new ControlException(ControlFailure.Tls, $"The server at {request.Server} belongs to another mesh than the pinned one: its root is {seen}. " +
                "Check the address and the pin; if both are right, someone stands in between.");
        }
        return root;
    }

    private string? CheckCoordinator(X509Certificate2 leaf, IEnumerable<X509Certificate2> others, X509Certificate2 root) =>
        MeshCertificateValidator.Validate(leaf, others, root, MeshRoles.CoordinatorOid, clock.GetUtcNow(), out string reason) ? null : reason;

    private void RequireCoordinator(ControlConnection connection, JoinChallenge challenge, X509Certificate2 root, JoinRequest request)
    {
        List<X509Certificate2> certificates = [];
        try
        {
            foreach (byte[] der in connection.ServerCertificates.Concat(challenge.CaCertificates.Skip(1)))
            {
                certificates.Add(X509CertificateLoader.LoadCertificate(der));
            }
            if (CheckCoordinator(certificates[0], certificates.Skip(1), root) is string reason)
            {
                throw new ControlException(ControlFailure.Tls, $"The server at {request.Server} is refused: {reason}. " +
                    "Either a proxy ends TLS in front of the coordinator (pass TCP through instead), or someone stands in between.");
            }
        }
        catch (CryptographicException e)
        {
            throw new ControlException(ControlErrorCodes.BadMessage, $"The server at {request.Server} sent damaged certificates.", 0, e);
        }
        finally
        {
            certificates.ForEach(c => c.Dispose());
        }
    }

    private JoinResult Believe(JoinRequest request, JoinAccepted accepted, X509Certificate2 root, ECDsa tlsKey)
    {
        if (accepted.Mesh.RangeProblem() is { } problem)
        {
            throw new ControlException(ControlErrorCodes.BadMessage, $"The coordinator {request.Server} names a mesh that this machine does not join: {PlainText.Line(problem, MaxNote)}. " +
                "Addresses of others would be led into it. Found the mesh anew with a range of its own (coordinator.mesh_cidr in the coordinator's configuration).");
        }
        PeerCertificate? certificate = null;
        try
        {
            certificate = PeerCertificate.Create(accepted.Certificates, tlsKey.ExportPkcs8PrivateKey());
            X509Certificate2[] issuers = [.. accepted.Certificates.Skip(1).Select(X509CertificateLoader.LoadCertificate)];
            if (!MeshCertificateValidator.Validate(certificate.Leaf, issuers, root, MeshRoles.DeviceOid, clock.GetUtcNow(), out string reason))
            {
                throw new CryptographicException(reason);
            }
            if (!accepted.Device.DeviceKey.AsSpan().SequenceEqual(request.Device.Public) || !accepted.Device.IdentityKey.AsSpan().SequenceEqual(request.Identity.PublicKey) ||
                MapEntry.Parse(accepted.Device, SHA256.HashData(root.RawData), accepted.Mesh, clock.GetUtcNow()) is null)
            {
                throw new CryptographicException("the entry it made for this device is not this device's");
            }
        }
        catch (CryptographicException e)
        {
            certificate?.Dispose();
            throw new ControlException(ControlErrorCodes.BadMessage, $"The coordinator {request.Server} answered with a registration that cannot be used: {e.Message}. See the coordinator's log.", 0, e);
        }
        return new JoinResult
        {
            Certificate = certificate,
            MeshRoot = root.RawData,
            Mesh = accepted.Mesh,
            Device = accepted.Device,
            NameNote = accepted.NameNote is { } note ? PlainText.Line(note, MaxNote) : null,
        };
    }
}
