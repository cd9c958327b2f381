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

/// <summary>Sees a packet before the path does, and may make another of it, longer or shorter.</summary>
/// <param name="direction">Which way it goes.</param>
/// <param name="buffer">The IP packet at the front of room for 64 KiB.</param>
/// <param name="length">The length of the packet, which may be changed.</param>
/// <returns>False drops it.</returns>
public delegate bool PacketRewriter(PathDirection direction, Span<byte> buffer, ref int length);

/// <summary>Two links of two nodes, and what lies between. Belongs to its network.</summary>
public sealed class SimulatedPath
{
    internal SimulatedPath(int index, string name, PathEnd first, PathEnd second, PathModel forward, PathModel back) =>
        (Index, Name, First, Second, Forward, Back) = (index, name, first, second, forward, back);

    /// <summary>What traces call it.</summary>
    public string Name { get; }

    /// <summary>From the first host to the second.</summary>
    public PathModel Forward { get; }

    /// <summary>From the second host to the first.</summary>
    public PathModel Back { get; }

    /// <summary>Sees every packet before the models do: the tap, dropper and middlebox of a test.</summary>
    public PacketFilter? Filter { get; set; }

    /// <summary>Like <see cref="Filter"/>, and before it, for a middlebox that changes lengths.</summary>
    public PacketRewriter? Rewriter { get; set; }

    /// <summary>Cuts both directions, or mends them.</summary>
    public bool BlackHoled
    {
        get => Forward.BlackHoled && Back.BlackHoled;
        set => Forward.BlackHoled = Back.BlackHoled = value;
    }

    /// <summary>The middleboxes where the first direction begins; null for none.</summary>
    public MiddleboxChain? ForwardBoxes { get; private set; }

    /// <summary>The middleboxes where the second direction begins; null for none.</summary>
    public MiddleboxChain? BackBoxes { get; private set; }

    internal int Index { get; }

    internal PathEnd First { get; }

    internal PathEnd Second { get; }

    /// <summary>The model of a direction.</summary>
    public PathModel Model(PathDirection direction) => direction == PathDirection.Forward ? Forward : Back;

    /// <summary>
    /// Puts middleboxes where a direction begins, behind <see cref="Filter"/>: they see its packets before the model does,
    /// and those of the other direction when they arrive.
    /// </summary>
    /// <param name="direction">The direction whose packets go outward.</param>
    /// <param name="boxes">From the node outwards; none takes them away.</param>
    public void SetBoxes(PathDirection direction, params IReadOnlyList<Middlebox> boxes)
    {
        ArgumentNullException.ThrowIfNull(boxes);
        MiddleboxChain? chain = boxes.Count == 0 ? null : new MiddleboxChain(boxes);
        (ForwardBoxes, BackBoxes) = direction == PathDirection.Forward ? (chain, BackBoxes) : (ForwardBoxes, chain);
    }

    internal static PathDirection Opposite(PathDirection direction) =>
        direction == PathDirection.Forward ? PathDirection.Back : PathDirection.Forward;

    internal MiddleboxChain? Boxes(PathDirection direction) =>
        direction == PathDirection.Forward ? ForwardBoxes : BackBoxes;

    internal PathEnd Target(PathDirection direction) => direction == PathDirection.Forward ? Second : First;

    internal readonly record struct PathEnd(int Node, int Link);
}
