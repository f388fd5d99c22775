using TunnelMesh.Bench;

// bench handshakes [ROUNDS]: how many handshakes a responder answers per second on one core.
// bench seal [ROUNDS]: nanoseconds to seal, open and refuse a packet, with libcrypto and with the framework's class.
// bench offload [ROUNDS]: nanoseconds per segment to cut super-packets and to join segments.
int rounds = args.Length > 1 && int.TryParse(args[1], out int wanted) && wanted is > 0 and <= 100 ? wanted : 5;
switch (args)
{
    case ["handshakes", ..]:
        ResponderHandshakes.Run(rounds, Console.Out);
        return 0;
    case ["seal", ..]:
        TransportSealing.Run(rounds, Console.Out);
        return 0;
    case ["offload", ..]:
        SegmentOffload.Run(rounds, Console.Out);
        return 0;
    default:
        Console.Error.WriteLine("usage: bench handshakes|seal|offload [ROUNDS]");
        return 2;
}
