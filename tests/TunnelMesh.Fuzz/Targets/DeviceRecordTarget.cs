using TunnelMesh.Protocol.Identity;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>Signed device records: nothing but the signed bytes themselves may verify.</summary>
internal static class DeviceRecordTarget
{
    private static readonly IdentityKey Signer = IdentityKey.FromSeed(new byte[32]);
    private static readonly byte[][] Genuine =
    [
        DeviceRecord.Create(Signer, "nas", new byte[32], new byte[32], 1, 0),
        DeviceRecord.Create(Signer, new string('a', 63), new byte[32], new byte[32], ulong.MaxValue, long.MaxValue),
    ];

    public static FuzzTarget Create() => new("device-record", Genuine, Run);

    private static void Run(ReadOnlyMemory<byte> input)
    {
        bool accepted = DeviceRecord.TryVerify(input.Span, Signer.PublicKey, out DeviceRecord? record);
        Check.That(accepted == (record is not null), "verdict and record disagree");
        bool genuine = Genuine.Any(known => input.Span.SequenceEqual(known));
        Check.That(accepted == genuine, genuine ? "a genuine record was refused" : "a forged record was accepted");
    }
}
