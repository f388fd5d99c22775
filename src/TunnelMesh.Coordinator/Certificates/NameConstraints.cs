using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace TunnelMesh.Coordinator.Certificates;

/// <summary>The critical name constraints of a mesh's authorities (RFC 5280 section 4.2.1.10).</summary>
internal static class NameConstraints
{
    /// <summary>Permits names under the DNS suffixes and addresses in the ranges; every other DNS name or address is excluded.</summary>
    internal static X509Extension Permit(IEnumerable<string> dns, IEnumerable<IPNetwork> ranges)
    {
        AsnWriter writer = new(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
        {
            foreach (string name in dns)
            {
                using (writer.PushSequence())
                {
                    writer.WriteCharacterString(UniversalTagNumber.IA5String, name, new Asn1Tag(TagClass.ContextSpecific, 2));
                }
            }
            foreach (IPNetwork range in ranges)
            {
                using (writer.PushSequence())
                {
                    writer.WriteOctetString(AddressAndMask(range), new Asn1Tag(TagClass.ContextSpecific, 7));
                }
            }
        }
        return new X509Extension("2.5.29.30", writer.Encode(), critical: true);
    }

    private static byte[] AddressAndMask(IPNetwork range)
    {
        byte[] address = range.BaseAddress.GetAddressBytes();
        byte[] both = new byte[address.Length * 2];
        address.CopyTo(both, 0);
        for (int bit = 0; bit < range.PrefixLength; bit++)
        {
            both[address.Length + (bit / 8)] |= (byte)(0x80 >> (bit % 8));
        }
        return both;
    }
}
