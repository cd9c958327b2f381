using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Stack.Tests;

/// <summary>Counts the packets that arrive damaged, to be compared with what the hosts say they refused.</summary>
internal sealed class DamageCounter : INetworkObserver
{
    private static readonly DropReason[] _damage =
    [
        DropReason.TooShort, DropReason.BadVersion, DropReason.BadHeaderLength, DropReason.BadTotalLength,
        DropReason.BadIpChecksum, DropReason.BadChecksum, DropReason.Fragment, DropReason.NotTcp, DropReason.BadAddress,
    ];

    public delegate void PacketAction(ReadOnlySpan<byte> packet);

    private readonly long[] _delivered = new long[2];

    /// <summary>Damaged packets that arrived.</summary>
    public long Delivered { get; private set; }

    /// <summary>All packets that arrived, by direction.</summary>
    public long DeliveredTo(PathDirection direction) => _delivered[(int)direction];

    /// <summary>Who counts what escapes, if that is wanted.</summary>
    public Escapes? Escapes { get; init; }

    /// <summary>Done with the next packet that is sent; then forgotten.</summary>
    public PacketAction? AnswerNext { get; set; }

    /// <summary>What a host counted as damaged.</summary>
    public static long CountedBy(NetworkStack host)
    {
        long sum = 0;
        foreach (DropReason reason in _damage)
        {
            sum += host.Drops[reason];
        }

        return sum;
    }

    public void HandleSent(
        Instant now, SimulatedPath path, PathDirection direction, PacketFate fate, ReadOnlySpan<byte> packet)
    {
        Escapes?.HandleSent(packet);
        PacketAction? answer = AnswerNext;
        AnswerNext = null;
        answer?.Invoke(packet);
    }

    public void HandleDelivered(Instant now, SimulatedPath path, PathDirection direction, ReadOnlySpan<byte> packet)
    {
        _delivered[(int)direction]++;
        Escapes?.HandleDelivered(packet);
        if (!IpPacket.TryParse(packet, out IpPacket ip, out _) || !TcpSegment.TryParse(ip, out _, out _))
        {
            Delivered++;
        }
    }
}
