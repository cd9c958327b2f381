using Mptcp.Tcp;

namespace Mptcp.Simulation.Tests;

/// <summary>Tells whether the middleboxes of a path changed, made or took any packet; the path itself must lose none.</summary>
internal sealed class TouchObserver : INetworkObserver
{
    private readonly SimulatedPath _path;
    private readonly ulong[] _offered = new ulong[2];
    private readonly ulong[] _entered = new ulong[2];
    private readonly ulong[] _left = new ulong[2];

    public TouchObserver(SimulatedPath path)
    {
        _path = path;
        path.Filter = (direction, packet) =>
        {
            Add(_offered, direction, packet);
            return true;
        };
    }

    public bool Touched => !_offered.AsSpan().SequenceEqual(_entered) || !_entered.AsSpan().SequenceEqual(_left);

    public void HandleSent(Instant now, SimulatedPath path, PathDirection direction, PacketFate fate, ReadOnlySpan<byte> packet)
    {
        if (path == _path && fate != PacketFate.Filtered)
        {
            Add(_entered, direction, packet);
        }

        if (path == _path && fate == PacketFate.QueueDrop)
        {
            Add(_left, direction, packet);
        }
    }

    public void HandleDelivered(Instant now, SimulatedPath path, PathDirection direction, ReadOnlySpan<byte> packet)
    {
        if (path == _path)
        {
            Add(_left, direction, packet);
        }
    }

    // A sum of hashes: the order does not count, as a queue that drops counts at once.
    private static void Add(ulong[] sums, PathDirection direction, ReadOnlySpan<byte> packet)
    {
        ulong hash = 14_695_981_039_346_656_037;
        foreach (byte value in packet)
        {
            hash = unchecked((hash ^ value) * 1_099_511_628_211);
        }

        sums[(int)direction] = unchecked(sums[(int)direction] + hash);
    }
}
