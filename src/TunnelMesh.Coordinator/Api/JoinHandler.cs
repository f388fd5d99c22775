using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using TunnelMesh.Coordinator.Access;
using TunnelMesh.Coordinator.Logging;
using TunnelMesh.Coordinator.Registry;
using TunnelMesh.Coordinator.Rendezvous;
using TunnelMesh.Coordinator.State;
using TunnelMesh.Protocol.Control;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Coordinator.Api;

/// <summary>The coordinator's side of a join or a renewal. Thread-safe.</summary>
internal sealed class JoinHandler(CoordinatorServerOptions options, MeshRegistry registry, ProofRateLimiter joins, ProofRateLimiter renewals, RefusalLog refusals, Func<TokenSet> tokens)
{
    private static readonly TimeSpan WorstClock = TimeSpan.FromHours(1);

    /// <summary>Talks with one peer; every refusal is answered with an <see cref="ErrorMessage"/>.</summary>
    /// <param name="socket">Stays the caller's.</param>
    /// <param name="address">The peer's.</param>
    /// <param name="serverSpki">SHA-256 of the public key the server has shown on this connection.</param>
    /// <param name="renewal">True on the path for renewals.</param>
    /// <param name="cancel">Ends the talk.</param>
    internal async Task HandleAsync(WebSocket socket, IPAddress address, byte[] serverSpki, bool renewal, CancellationToken cancel)
    {
        object answer;
        try
        {
            answer = await AdmitAsync(socket, address, serverSpki, renewal, cancel).ConfigureAwait(false);
        }
        catch (RegistrationRefusedException e)
        {
            answer = Error(e.Code, e.Message);
        }
        catch (StorageFailedException e)
        {
            CoordinatorLog.StorageFailed(options.Logger, "a registration", e);
            answer = Error(ControlErrorCodes.StorageFailed, "The coordinator cannot store the registration. Its disk may be full; see its log, then try again.");
        }
        if (answer is ErrorMessage error)
        {
            refusals.Join(address, error.Code, error.Message);
        }
        await SendAsync(socket, answer, cancel).ConfigureAwait(false);
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancel).ConfigureAwait(false);
    }

    private async Task<object> AdmitAsync(WebSocket socket, IPAddress address, byte[] serverSpki, bool renewal, CancellationToken cancel)
    {
        PeerMessageReader reader = new(socket, ControlProtocol.MaxStrangerMessageBytes);
        ProofRateLimiter limiter = renewal ? renewals : joins;
        if ((await reader.ReadAsync(cancel).ConfigureAwait(false)).Message is not JoinHello hello || !IsSound(hello))
        {
            return Error(ControlErrorCodes.BadMessage, "The first message is not a sound join request. Run the same version on both sides.");
        }
        if (ProtocolVersions.Refusal(hello.OldestVersion, hello.Version) is { } refusal)
        {
            return refusal;
        }
        DateTimeOffset now = options.Time.GetUtcNow();
        DeviceKey ephemeral = DeviceKey.Generate(RandomNumberGenerator.Fill);
        JoinChallenge challenge = new()
        {
            Version = Math.Min(hello.Version, ControlProtocol.Version),
            Nonce = RandomNumberGenerator.GetBytes(32),
            EphemeralKey = ephemeral.Public.ToArray(),
            CaCertificates = [options.Authority.Root.RawData, options.Authority.Issuer.RawData],
            UnixTimeMs = now.ToUnixTimeMilliseconds(),
        };
        await SendAsync(socket, challenge, cancel).ConfigureAwait(false);
        // The peer sees the coordinator's clock in the challenge and explains the difference itself; this is for one that does not.
        if (Math.Abs(hello.UnixTimeMs - (double)challenge.UnixTimeMs) > WorstClock.TotalMilliseconds)
        {
            return Error(ControlErrorCodes.ClockSkew, $"The clocks differ by more than an hour; the coordinator's is {now:u}. Set the clock that is wrong, then join again.");
        }
        if ((await reader.ReadAsync(cancel).ConfigureAwait(false)).Message is not JoinProof proof)
        {
            return Error(ControlErrorCodes.BadMessage, "The second message is not a join proof. Run the same version on both sides.");
        }
        // Asked again here: connections opened side by side must not multiply the attempts.
        if (!limiter.MayTry(address, out TimeSpan wait))
        {
            return Error(ControlErrorCodes.RateLimited, "Too many failed proofs came from this address. Wait a minute, and check the token.") with { RetryAfterSeconds = (int)Math.Ceiling(wait.TotalSeconds) };
        }
        byte[] transcript = JoinTranscript.Compute(hello, challenge, serverSpki, renewal), tokenProof = [];
        long? token = null;
        bool good = VerifyKeys(hello, proof, ephemeral, transcript, out DeviceRecord? record) &&
            (renewal || (token = tokens().Match(proof.TokenProof, transcript, now, out tokenProof)) is not null);
        if (!good)
        {
            limiter.Failed(address);
            return Error(ControlErrorCodes.ProofRefused, "The proof did not verify: the token is wrong or no longer valid, or someone stands between this machine and the coordinator.");
        }
        RegistrationResult result = await registry.RegisterAsync(new RegistrationRequest
        {
            DeviceKey = hello.DeviceKey,
            IdentityKey = hello.IdentityKey,
            Name = hello.Name,
            Record = proof.DeviceRecord,
            RecordGeneration = record!.Generation,
            TokenId = token,
            KnownOnly = renewal,
            ProgramVersion = hello.ProgramVersion,
        }, cancel).ConfigureAwait(false);
        Log(result, address, renewal);
        using X509Certificate2 leaf = options.Authority.IssueDevice(result.Device.Id, hello.TlsKey, result.Device.Name, [result.Device.Ip, result.Device.Ip6]);
        return new JoinAccepted
        {
            TokenProof = tokenProof,
            Certificates = [leaf.RawData, options.Authority.Issuer.RawData],
            Mesh = registry.Map.Mesh,
            Device = registry.Map.Find(result.Device.Id) ?? LiveMap.ToWire(result.Device, null),
            NameNote = result.Device.Name == hello.Name ? null
                : result.Created ? $"The name {hello.Name} is taken; this device is {result.Device.Name}." : $"This device keeps its name {result.Device.Name}.",
        };
    }

    private void Log(RegistrationResult result, IPAddress address, bool renewal)
    {
        DeviceRow device = result.Device;
        if (renewal)
        {
            CoordinatorLog.Renewed(options.Logger, device.Name, device.Id, address);
        }
        else if (result.Created)
        {
            CoordinatorLog.Joined(options.Logger, device.Name, device.Id, address, device.Ip, device.TokenId);
            if (result.Admins is not null)
            {
                CoordinatorLog.AdminJoined(options.Logger, device.Name, device.UserId);
            }
        }
        else
        {
            CoordinatorLog.Rejoined(options.Logger, device.Name, device.Id, address, device.Ip);
        }
    }

    private bool VerifyKeys(JoinHello hello, JoinProof proof, DeviceKey ephemeral, byte[] transcript, out DeviceRecord? record)
    {
        Span<byte> shared = stackalloc byte[32];
        bool good = ephemeral.TryAgree(hello.DeviceKey, shared) & JoinProofs.VerifyDevice(proof.DeviceProof, shared, transcript, proof.DeviceRecord);
        CryptographicOperations.ZeroMemory(shared);
        return DeviceRecord.TryVerify(proof.DeviceRecord, hello.IdentityKey, out record) && good &&
            record!.DeviceKey.Span.SequenceEqual(hello.DeviceKey) && !record.IsExpired(options.Time.GetUtcNow()) &&
            record.MeshRoot.Span.SequenceEqual(SHA256.HashData(options.Authority.Root.RawDataMemory.Span)) &&
            JoinProofs.VerifyIdentity(proof.IdentitySignature, hello.IdentityKey, transcript, proof.DeviceRecord);
    }

    private static bool IsSound(JoinHello hello)
    {
        if (hello.Nonce.Length != 32 || hello.IdentityKey.Length != 32 || hello.DeviceKey.Length != 32 || !(hello.ProgramVersion.Length == 0 || EndpointRules.IsVersion(hello.ProgramVersion)))
        {
            return false;
        }
        try
        {
            using ECDsa key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(hello.TlsKey, out int read);
            return read == hello.TlsKey.Length && key.KeySize == 256;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static ErrorMessage Error(string code, string message) => new() { Code = code, Message = message };

    private static Task SendAsync(WebSocket socket, object message, CancellationToken cancel) =>
        socket.SendAsync(ControlCodec.Encode(message), WebSocketMessageType.Text, endOfMessage: true, cancel);
}
