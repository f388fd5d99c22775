using System.Xml;

namespace TunnelMesh.Protocol.PortMapping;

/// <summary>XML of a gateway, read forwards: no document type, no entities, nothing fetched, and bounded in length, depth and number of elements.</summary>
internal static class GatewayXml
{
    /// <summary>Longest document in bytes.</summary>
    public const int MaxBytes = 64 << 10;

    private const int MaxDepth = 24, MaxElements = 2000, MaxText = 1024;

    /// <summary>Goes over the elements of a document, the inner ones first.</summary>
    /// <param name="document">The bytes.</param>
    /// <param name="ended">Called at the end of each element with its name without prefix and, where it has no elements inside, its text.</param>
    /// <returns>False when the document is not well-formed, or beyond a limit.</returns>
    public static bool TryRead(ReadOnlyMemory<byte> document, Action<string, string?> ended)
    {
        if (document.Length > MaxBytes)
        {
            return false;
        }

        try
        {
            using var reader = XmlReader.Create(new MemoryStream(document.ToArray(), writable: false), new XmlReaderSettings
            {
                DtdProcessing = DtdProcessing.Prohibit,
                XmlResolver = null,
                MaxCharactersInDocument = MaxBytes,
                MaxCharactersFromEntities = MaxText,
                IgnoreComments = true,
                IgnoreProcessingInstructions = true,
            });
            return Walk(reader, ended);
        }
        catch (XmlException)
        {
            return false;
        }
    }

    private static bool Walk(XmlReader reader, Action<string, string?> ended)
    {
        int elements = 0;
        string? text = "";
        while (reader.Read())
        {
            switch (reader.NodeType)
            {
                case XmlNodeType.Element:
                    if (++elements > MaxElements || reader.Depth >= MaxDepth)
                    {
                        return false;
                    }

                    text = "";
                    if (reader.IsEmptyElement)
                    {
                        ended(reader.LocalName, text);
                        text = null;
                    }

                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA:
                    if (text?.Length + reader.Value.Length > MaxText)
                    {
                        return false;
                    }

                    text += text is null ? null : reader.Value;
                    break;
                case XmlNodeType.EndElement:
                    ended(reader.LocalName, text?.Trim());
                    text = null;
                    break;
            }
        }

        return true;
    }
}
