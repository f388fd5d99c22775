using System.Xml.Linq;

namespace TunnelMesh.Tests.Architecture;

public class DependencyArrowsTests
{
    /// <summary>The arrows of docs/architecture.md; anything else is a mistake in the house.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["TunnelMesh.Protocol"] = [],
        ["TunnelMesh.Platform"] = ["TunnelMesh.Protocol"],
        ["TunnelMesh.Node"] = ["TunnelMesh.Platform", "TunnelMesh.Protocol"],
        ["TunnelMesh.Storage"] = ["TunnelMesh.Protocol"],
        ["TunnelMesh.Coordinator"] = ["TunnelMesh.Protocol", "TunnelMesh.Storage"],
        ["TunnelMesh.Cli"] = ["TunnelMesh.Protocol", "TunnelMesh.Platform", "TunnelMesh.Node", "TunnelMesh.Storage", "TunnelMesh.Coordinator"],
    };

    [Fact]
    public void Project_references_follow_the_arrows()
    {
        string src = Path.Combine(RepositoryRoot(), "src");
        string[] projects = Directory.GetFiles(src, "*.csproj", SearchOption.AllDirectories);
        Assert.NotEmpty(projects);
        foreach (string project in projects)
        {
            string name = Path.GetFileNameWithoutExtension(project);
            Assert.True(Allowed.TryGetValue(name, out string[]? allowed), $"{name} is not in docs/architecture.md");
            foreach (XElement reference in XDocument.Load(project).Descendants("ProjectReference"))
            {
                string target = Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/'));
                Assert.True(allowed.Contains(target), $"{name} must not depend on {target}");
            }
        }
    }

    private static string RepositoryRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "TunnelMesh.slnx")))
        {
            folder = folder.Parent;
        }
        return folder?.FullName ?? throw new InvalidOperationException("TunnelMesh.slnx not found above the tests");
    }
}
