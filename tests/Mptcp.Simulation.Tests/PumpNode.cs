using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation.Tests;

/// <summary>Sends TCP packets at a fixed pace, and keeps what arrives.</summary>
internal sealed class PumpNode : ISimulatedNode
{
    private readonly byte[] _packet = new byte[65_536];
    private readonly long _interval;
    private readonly int _link;
    private readonly IpEndpoint _from;
    private readonly IpEndpoint _to;
    private Instant _next = new(Instant.Second);
    private int _left;
    private uint _sequence;
    private bool _due;

    public PumpNode(IpEndpoint from, IpEndpoint to, int count, int payload, long interval, int link = 0) =>
        (_from, _to, _left, Payload, _interval, _link) = (from, to, count, payload, interval, link);

    public List<(Instant At, int Link, byte[] Packet)> Arrived { get; } = [];

    /// <summary>What the next packets carry.</summary>
    public TcpFlags Flags { get; set; } = TcpFlags.Ack;

    /// <summary>Bytes of payload in the next packets.</summary>
    public int Payload { get; set; }

    public byte TrafficClass { get; set; }

    public Instant NextTimeout => _left > 0 ? _next : Instant.Never;

    public void Send(int count) => _left += count;

    public void HandlePacket(Instant now, int link, ReadOnlySpan<byte> packet) => Arrived.Add((now, link, packet.ToArray()));

    public void HandleTimeout(Instant now) => _due = true;

    public bool TryTransmit(Instant now, Span<byte> buffer, out int link, out int length)
    {
        (link, length) = (_link, 0);
        if (!_due)
        {
            return false;
        }

        _due = false;
        _left--;
        _next = now + _interval;
        length = Write(buffer);
        return true;
    }

    private int Write(Span<byte> buffer)
    {
        var header = new TcpHeaderFields
        {
            Source = _from,
            Destination = _to,
            SequenceNumber = _sequence,
            Flags = Flags,
            TrafficClass = TrafficClass,
            Window = 1000,
        };
        _sequence += (uint)Payload;
        int length = TcpPacket.Write(_packet, header, [], Payload);
        _packet.AsSpan(0, length).CopyTo(buffer);
        return length;
    }
}
