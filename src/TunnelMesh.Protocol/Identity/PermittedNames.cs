using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace TunnelMesh.Protocol.Identity;

/// <summary>What an authority may sign for: the name constraints of its certificate (RFC 5280, section 4.2.1.10). Servers are known by DNS names and addresses, so only those are told.</summary>
/// <param name="Dns">Permitted DNS names; each stands for itself and everything below it. Without any, every name is permitted.</param>
/// <param name="Ranges">Permitted addresses. Without one of a family, every address of that family is permitted.</param>
public sealed record PermittedNames(IReadOnlyList<string> Dns, IReadOnlyList<IPNetwork> Ranges)
{
    /// <summary>Domains of a mesh that its authorities sign for.</summary>
    public static IReadOnlyList<string> MeshDomains { get; } = ["tunnelmesh", "mesh", "this.tm"];

    private const string Oid = "2.5.29.30";
    private static readonly Asn1Tag Permitted = new(TagClass.ContextSpecific, 0), DnsName = new(TagClass.ContextSpecific, 2), Address = new(TagClass.ContextSpecific, 7);

    /// <summary>Reads the constraints of a certificate.</summary>
    /// <returns>Null when it has none, or none that whoever checks a chain must heed (not critical, doubled, or not to be read).</returns>
    public static PermittedNames? Of(X509Certificate2 authority)
    {
        ArgumentNullException.ThrowIfNull(authority);
        X509Extension[] found = [.. authority.Extensions.Where(e => e.Oid?.Value == Oid)];
        try
        {
            return found is [{ Critical: true } only] ? Read(only.RawData) : null;
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Whether trust in an authority is trust in one mesh and nothing else.</summary>
    /// <param name="root">The authority's certificate.</param>
    /// <param name="range4">IPv4 range of the mesh.</param>
    /// <param name="range6">IPv6 range of the mesh.</param>
    /// <returns>What is wrong with it, a sentence for people; null when nothing is.</returns>
    public static string? FindProblem(X509Certificate2 root, IPNetwork range4, IPNetwork range6)
    {
        ArgumentNullException.ThrowIfNull(root);
        if (!root.Extensions.OfType<X509BasicConstraintsExtension>().Any(e => e is { CertificateAuthority: true, Critical: true }))
        {
            return "It is not the certificate of an authority.";
        }
        if (Of(root) is not { } names)
        {
            return "It has no critical name constraints, so it could vouch for any server of the internet.";
        }
        if (names.Dns.Count == 0 || names.Dns.FirstOrDefault(d => !IsOfMesh(d)) is not null)
        {
            return $"It may vouch for {(names.Dns.Count == 0 ? "every DNS name" : $"`{names.Dns.First(d => !IsOfMesh(d))}`")}, which is no domain of the mesh.";
        }
        foreach (IPNetwork range in (ReadOnlySpan<IPNetwork>)[range4, range6])
        {
            IPNetwork[] family = [.. names.Ranges.Where(r => r.BaseAddress.AddressFamily == range.BaseAddress.AddressFamily)];
            if (family.Length == 0 || Array.Exists(family, r => r.PrefixLength < range.PrefixLength || !range.Contains(r.BaseAddress)))
            {
                return $"It may vouch for addresses outside the mesh's range {range}.";
            }
        }
        return null;
    }

    private static bool IsOfMesh(string name) => MeshDomains.Any(d => name.Equals(d, StringComparison.OrdinalIgnoreCase) || name.EndsWith("." + d, StringComparison.OrdinalIgnoreCase));

    private static PermittedNames Read(byte[] extension)
    {
        AsnReader outer = new(extension, AsnEncodingRules.DER);
        AsnReader constraints = outer.ReadSequence();
        outer.ThrowIfNotEmpty();
        List<string> dns = [];
        List<IPNetwork> ranges = [];
        if (constraints.HasData && constraints.PeekTag().HasSameClassAndValue(Permitted))
        {
            AsnReader subtrees = constraints.ReadSequence(Permitted);
            while (subtrees.HasData)
            {
                AsnReader subtree = subtrees.ReadSequence();
                Asn1Tag tag = subtree.PeekTag();
                if (tag.HasSameClassAndValue(DnsName))
                {
                    dns.Add(subtree.ReadCharacterString(UniversalTagNumber.IA5String, DnsName));
                }
                else if (tag.HasSameClassAndValue(Address))
                {
                    ranges.Add(Range(subtree.ReadOctetString(Address)));
                }
            }
        }
        return new PermittedNames(dns, ranges);
    }

    // Address and mask, 4 or 16 bytes each.
    private static IPNetwork Range(byte[] both)
    {
        if (both.Length is not (8 or 32))
        {
            throw new AsnContentException();
        }
        ReadOnlySpan<byte> mask = both.AsSpan(both.Length / 2);
        int bits = 0;
        while (bits < mask.Length * 8 && (mask[bits / 8] & (0x80 >> (bits % 8))) != 0)
        {
            bits++;
        }
        for (int bit = bits; bit < mask.Length * 8; bit++)
        {
            if ((mask[bit / 8] & (0x80 >> (bit % 8))) != 0)
            {
                throw new AsnContentException();
            }
        }
        return new IPNetwork(new IPAddress(both.AsSpan(0, both.Length / 2)), bits);
    }
}
