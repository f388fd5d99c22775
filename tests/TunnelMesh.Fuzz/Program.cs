using System.Diagnostics;
using System.Globalization;

namespace TunnelMesh.Fuzz;

/// <summary>
/// <c>fuzz TARGET|all [SECONDS] [SEED]</c>: mutated inputs until the time is over; a finding is written beside and exits 1.
/// <c>fuzz TARGET --file FILE</c>: one input, to reproduce a finding or to be driven by an external fuzzer.
/// </summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args.Length == 0 || (args[0] != "all" && !FuzzTargets.All.ContainsKey(args[0])))
        {
            Console.Error.WriteLine($"usage: fuzz TARGET|all [SECONDS] [SEED]  |  fuzz TARGET --file FILE\ntargets: {string.Join(' ', FuzzTargets.All.Keys)}");
            return 2;
        }
        if (args.Length == 3 && args[1] == "--file")
        {
            FuzzTargets.All[args[0]].Run(File.ReadAllBytes(args[2]));
            return 0;
        }
        double seconds = args.Length > 1 ? double.Parse(args[1], CultureInfo.InvariantCulture) : 10;
        int seed = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : Environment.TickCount;
        foreach (FuzzTarget target in args[0] == "all" ? FuzzTargets.All.Values : [FuzzTargets.All[args[0]]])
        {
            Mutator mutator = new(seed);
            Stopwatch clock = Stopwatch.StartNew();
            long count = 0;
            while (clock.Elapsed.TotalSeconds < seconds)
            {
                byte[] input = mutator.Next(target.Seeds);
                try
                {
                    target.Run(input);
                }
                catch (Exception finding)
                {
                    string file = $"finding-{target.Name}-{seed}-{count}.bin";
                    File.WriteAllBytes(file, input);
                    Console.Error.WriteLine($"{target.Name}: {finding}\ninput kept in {file}");
                    return 1;
                }
                count++;
            }
            Console.WriteLine($"{target.Name}: {count} inputs, seed {seed}, no finding");
        }
        return 0;
    }
}
