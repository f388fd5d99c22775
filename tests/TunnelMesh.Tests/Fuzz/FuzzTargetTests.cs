using TunnelMesh.Fuzz;

namespace TunnelMesh.Tests.Fuzz;

public class FuzzTargetTests
{
    public static TheoryData<string> Names => [.. FuzzTargets.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Seeds_and_mutated_inputs_give_no_finding(string name)
    {
        FuzzTarget target = FuzzTargets.All[name];
        Assert.NotEmpty(target.Seeds);
        foreach (byte[] seed in target.Seeds)
        {
            target.Run(seed);
        }
        Mutator mutator = new(seed: 20_261_124);
        for (int i = 0; i < 2_000; i++)
        {
            byte[] input = mutator.Next(target.Seeds);
            Exception? finding = Record.Exception(() => target.Run(input));
            Assert.True(finding is null, $"{name}, input {i} ({Convert.ToHexString(input)}): {finding}");
        }
    }

    [Fact]
    public void A_mutator_with_the_same_seed_makes_the_same_inputs()
    {
        Mutator one = new(5), two = new(5);
        byte[][] seeds = [[1, 2, 3, 4, 5]];
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(one.Next(seeds), two.Next(seeds));
        }
    }
}
