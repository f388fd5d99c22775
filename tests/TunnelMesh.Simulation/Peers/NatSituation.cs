namespace TunnelMesh.Simulation.Peers;

/// <summary>How a device is connected to the Internet.</summary>
internal enum NatSituation
{
    /// <summary>By a public address.</summary>
    Open,

    /// <summary>Behind a NAT that maps a port of its own to one outside, whoever it speaks to.</summary>
    Easy,

    /// <summary>Behind a NAT that maps it to another port for each it speaks to.</summary>
    Hard,

    /// <summary>Behind two easy ones.</summary>
    DoubleEasy,

    /// <summary>UDP goes nowhere.</summary>
    Blocked,

    /// <summary>Packets larger than 1280 bytes vanish without a word.</summary>
    Small,
}
