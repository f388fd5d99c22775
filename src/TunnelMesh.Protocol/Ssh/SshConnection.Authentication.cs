using System.Buffers;
using System.Globalization;
using System.Text;
using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Protocol.Ssh;

// User authentication by public key (RFC 4252), with ssh-ed25519.
public sealed partial class SshConnection
{
    private const int MaxAttempts = 6;
    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdef"u8);
    private bool _serviceAccepted, _authenticating;
    private int _attempts;

    private static ReadOnlySpan<byte> AuthenticationService => "ssh-userauth"u8;

    private static ReadOnlySpan<byte> ConnectionService => "ssh-connection"u8;

    private static ReadOnlySpan<byte> PublicKeyMethod => "publickey"u8;

    /// <summary>
    /// Client: goes on after <see cref="SshEvent.HostVerified"/>, so that the server is told who we are. Service, authentication and channel are asked for
    /// at once, which saves two round trips; a server answers them in their order. Any thread.
    /// </summary>
    public void Authenticate()
    {
        lock (_state)
        {
            if (IsClient && !_isFirstExchange && !_authenticating && Failure is null)
            {
                _authenticating = true;
                _controlOut.Enqueue(new SshWriter(SshMessage.ServiceRequest).String(AuthenticationService).ToArray());
                SendUserRequest();
                OpenChannel();
            }
        }
    }

    /// <summary>Reads a device ID as <see cref="DeviceId"/> writes it; false for anything else.</summary>
    internal static bool TryReadDevice(ReadOnlySpan<byte> text, out UInt128 device)
    {
        device = 0;
        return text.Length == DeviceId.TextLength && !text.ContainsAnyExcept(HexDigits) &&
            UInt128.TryParse(Encoding.ASCII.GetString(text), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out device);
    }

    private SshEvent HandleAuthentication(byte message, ReadOnlySpan<byte> payload) => (IsClient, message) switch
    {
        (true, SshMessage.ServiceAccept) when _authenticating && !_serviceAccepted => TakeServiceAccept(),
        (true, SshMessage.UserAuthBanner) when _serviceAccepted && !_authenticated => SshEvent.Handled,
        (true, SshMessage.UserAuthSuccess) when _serviceAccepted && !_authenticated => TakeSuccess(),
        (true, SshMessage.UserAuthFailure) when _serviceAccepted && !_authenticated => Fail(SshDisconnectReason.NoMoreAuthMethods, "the server does not let this device in"),
        (false, SshMessage.ServiceRequest) => TakeServiceRequest(payload),
        // RFC 4252 section 5.1: after success further requests are passed over.
        (false, SshMessage.UserAuthRequest) when _authenticated => SshEvent.Handled,
        (false, SshMessage.UserAuthRequest) when _serviceAccepted => TakeUserRequest(payload),
        (_, SshMessage.ServiceRequest or SshMessage.ServiceAccept or (>= SshMessage.UserAuthRequest and <= SshMessage.UserAuthBanner)) =>
            Fail(SshDisconnectReason.ProtocolError, "a message does not belong into this stage"),
        _ => Unimplemented(),
    };

    private SshEvent TakeServiceRequest(ReadOnlySpan<byte> payload)
    {
        SshReader reader = new(payload[1..]);
        ReadOnlySpan<byte> service = reader.String();
        if (!reader.IsWhole || _authenticated || !service.SequenceEqual(AuthenticationService))
        {
            return Fail(SshDisconnectReason.ServiceNotAvailable, "no such service");
        }
        _serviceAccepted = true;
        _controlOut.Enqueue(new SshWriter(SshMessage.ServiceAccept).String(service).ToArray());
        return SshEvent.Handled;
    }

    private SshEvent TakeServiceAccept()
    {
        _serviceAccepted = true;
        return SshEvent.Handled;
    }

    private void SendUserRequest()
    {
        SshClientOptions options = (SshClientOptions)_options;
        byte[] key = SshKeys.PublicBlob(options.Identity.PublicKey);
        byte[] request = UserRequest(Encoding.UTF8.GetBytes(options.UserName), key);
        byte[] signature = options.Identity.Sign(SignedRequest(request));
        _controlOut.Enqueue(new SshWriter().Bytes(request).String(SshKeys.SignatureBlob(signature)).ToArray());
    }

    private SshEvent TakeUserRequest(ReadOnlySpan<byte> payload)
    {
        SshServerOptions options = (SshServerOptions)_options;
        SshReader reader = new(payload[1..]);
        ReadOnlySpan<byte> user = reader.String(), service = reader.String(), method = reader.String();
        if (reader.IsBad)
        {
            return Fail(SshDisconnectReason.ProtocolError, "an authentication request is cut short");
        }
        if (!method.SequenceEqual(PublicKeyMethod))
        {
            return Refuse();
        }
        bool signed = reader.Boolean();
        ReadOnlySpan<byte> algorithm = reader.String(), blob = reader.String(), signature = signed ? reader.String() : default;
        if (!reader.IsWhole)
        {
            return Fail(SshDisconnectReason.ProtocolError, "an authentication request is cut short");
        }
        if (!service.SequenceEqual(ConnectionService) || !algorithm.SequenceEqual(SshKeys.Algorithm) || !SshKeys.TryReadPublic(blob, out ReadOnlySpan<byte> key) ||
            !TryReadDevice(user, out UInt128 device) || !options.Authorize(device, key))
        {
            return Refuse();
        }
        if (!signed)
        {
            _controlOut.Enqueue(new SshWriter(SshMessage.UserAuthPublicKeyOk).String(algorithm).String(blob).ToArray());
            return SshEvent.Handled;
        }
        if (!SshKeys.TryReadSignature(signature, out ReadOnlySpan<byte> proof) || !IdentityKey.Verify(key, SignedRequest(UserRequest(user, blob)), proof))
        {
            return Refuse();
        }
        RemoteDevice = device;
        Admit();
        _controlOut.Enqueue([SshMessage.UserAuthSuccess]);
        return SshEvent.Handled;
    }

    private SshEvent TakeSuccess()
    {
        Admit();
        return SshEvent.Handled;
    }

    private void Admit()
    {
        _authenticated = true;
        _opener.MaxLength = SshPacket.MaxLength;
    }

    // Every stranger is told the same, whether key, device or signature was wrong.
    private SshEvent Refuse()
    {
        if (++_attempts >= MaxAttempts)
        {
            return Fail(SshDisconnectReason.NoMoreAuthMethods, "too many authentication failures");
        }
        _controlOut.Enqueue(new SshWriter(SshMessage.UserAuthFailure).String(PublicKeyMethod).Boolean(false).ToArray());
        return SshEvent.Handled;
    }

    private static byte[] UserRequest(ReadOnlySpan<byte> user, ReadOnlySpan<byte> key) =>
        new SshWriter(SshMessage.UserAuthRequest).String(user).String(ConnectionService).String(PublicKeyMethod).Boolean(true).String(SshKeys.Algorithm).String(key).ToArray();

    // What the signature covers (RFC 4252 section 7): the session, so that a request cannot be used on another one.
    private byte[] SignedRequest(ReadOnlySpan<byte> request) => new SshWriter().String(_sessionId).Bytes(request).ToArray();
}
