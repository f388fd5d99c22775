using TunnelMesh.SystemTests.Machines;

namespace TunnelMesh.SystemTests.Guides;

/// <summary>What the documents have people do, done: each on new machines, block by block.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class GuideTests
{
    // What a person would put in place of them.
    private const string PastedToken = "PASTE-THE-TOKEN-HERE", PastedSum = "PASTE-THE-SHA256-HERE";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Documents =>
        [.. Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md").Append(Path.Combine(Repository.Root, "README.md"))
            .Where(f => Guide.Parse(File.ReadAllText(f)).Blocks.Count > 0).Select(f => Path.GetRelativePath(Repository.Root, f)).Order()];

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task What_it_has_people_do_works(string document)
    {
        Requirements.Programs("bash", "setsid", "openssl", "curl", "dig", "ping");
        Guide guide = Guide.Parse(await File.ReadAllTextAsync(Path.Combine(Repository.Root, document), Cancel));
        await using Underlay underlay = await Underlay.CreateAsync(Cancel);
        Dictionary<string, GuideMachine> machines = [];
        try
        {
            Dictionary<string, NetworkNamespace> networks = [];
            foreach (string name in guide.Machines)
            {
                networks[name] = await underlay.AddMachineAsync(Cancel);
            }
            string hosts = string.Join('\n', networks.Select(n => $"{n.Value.Address} {Outside(n.Key)}"));
            foreach ((string name, NetworkNamespace network) in networks)
            {
                machines[name] = await GuideMachine.StartAsync(underlay, name, network, hosts, Cancel);
            }

            (string token, string sum) = ("", "");
            foreach (GuideBlock block in Founding(guide).Concat(guide.Blocks))
            {
                string text = block.Text.Replace(PastedToken, token, StringComparison.Ordinal).Replace(PastedSum, sum, StringComparison.Ordinal);
                string output = await machines[block.Machine].FollowAsync(block with { Text = text }, Cancel);
                (token, sum) = (GuideMachine.TokenIn(output) ?? token, GuideMachine.SumIn(output) ?? sum);
            }
        }
        finally
        {
            foreach (GuideMachine machine in machines.Values)
            {
                await machine.DisposeAsync();
            }
        }
    }

    // By which others dial a machine.
    private static string Outside(string name) => $"{name}.example.org";

    // Each member is a service, as docs/service.md has it for machines that nobody sits at.
    private static IEnumerable<GuideBlock> Founding(Guide guide) => guide.Members.Select((name, i) => new GuideBlock(0, name, i == 0
        ? """
          mkdir -p -m 700 /root/.tunnelmesh
          printf 'coordinator:\n  enabled: true\n' > /root/.tunnelmesh/config.yaml
          TUNNELMESH_TOKEN=$(openssl rand -hex 32) tunnelmesh service install
          tunnelmesh token create
          """
        : $"TUNNELMESH_SERVER={Outside(guide.Members[0])}:8443 TUNNELMESH_TOKEN={PastedToken} tunnelmesh service install"));
}
