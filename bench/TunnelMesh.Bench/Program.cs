using TunnelMesh.Bench;

// bench handshakes [ROUNDS]: how many handshakes a responder answers per second on one core.
if (args is not ["handshakes", ..])
{
    Console.Error.WriteLine("usage: bench handshakes [ROUNDS]");
    return 2;
}
int rounds = args.Length > 1 && int.TryParse(args[1], out int wanted) && wanted is > 0 and <= 100 ? wanted : 5;
ResponderHandshakes.Run(rounds, Console.Out);
return 0;
