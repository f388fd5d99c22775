using System.Text;
using TunnelMesh.Protocol.Addressing;

namespace TunnelMesh.Fuzz.Targets;

/// <summary>Host names: whatever comes in, a sanitised name is a valid DNS label, and stays one with a suffix.</summary>
internal static class MeshNameTarget
{
    public static FuzzTarget Create() => new("mesh-name", [Encoding.UTF8.GetBytes("Anna's MacBook-Pro.local"), Encoding.UTF8.GetBytes("-büro--nas-"), Encoding.UTF8.GetBytes(new string('x', 80))], Run);

    private static void Run(ReadOnlyMemory<byte> input)
    {
        string text = Encoding.UTF8.GetString(input.Span);
        string name = MeshName.Sanitize(text);
        Check.That(MeshName.IsValid(name), "a sanitised name is not valid");
        Check.That(MeshName.Sanitize(name) == name, "sanitising is not stable");
        Check.That(MeshName.IsValid(MeshName.WithSuffix(name, 12345)), "a name with a suffix is not valid");
    }
}
