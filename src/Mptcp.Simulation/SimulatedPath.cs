namespace Mptcp.Simulation;

/// <summary>Which way a packet goes.</summary>
public enum PathDirection
{
    /// <summary>From the first host of the path to the second.</summary>
    Forward,

    /// <summary>From the second host of the path to the first.</summary>
    Back,
}

/// <summary>Sees a packet before the path does, and may change it in place.</summary>
/// <param name="direction">Which way it goes.</param>
/// <param name="packet">The IP packet.</param>
/// <returns>False drops it.</returns>
public delegate bool PacketFilter(PathDirection direction, Span<byte> packet);

/// <summary>Two links of two hosts, and what lies between. Belongs to its network.</summary>
public sealed class SimulatedPath
{
    internal SimulatedPath(PathEnd first, PathEnd second, PathModel forward, PathModel back) =>
        (First, Second, Forward, Back) = (first, second, forward, back);

    /// <summary>From the first host to the second.</summary>
    public PathModel Forward { get; }

    /// <summary>From the second host to the first.</summary>
    public PathModel Back { get; }

    /// <summary>Sees every packet before the models do: the tap, dropper and middlebox of a test.</summary>
    public PacketFilter? Filter { get; set; }

    /// <summary>Cuts both directions, or mends them.</summary>
    public bool BlackHoled
    {
        get => Forward.BlackHoled && Back.BlackHoled;
        set => Forward.BlackHoled = Back.BlackHoled = value;
    }

    internal PathEnd First { get; }

    internal PathEnd Second { get; }

    internal PathModel Model(PathDirection direction) => direction == PathDirection.Forward ? Forward : Back;

    internal PathEnd Target(PathDirection direction) => direction == PathDirection.Forward ? Second : First;

    internal readonly record struct PathEnd(int Host, int Link);
}
