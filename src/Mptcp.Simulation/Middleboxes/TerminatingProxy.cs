using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>
/// Ends every TCP connection in itself and begins another one of plain TCP to where it wanted, in the names of both ends;
/// bytes are passed on between the two.
/// </summary>
/// <param name="seed">Decides about initial sequence numbers.</param>
internal sealed class TerminatingProxy(ulong seed) : Middlebox
{
    // Connections at a time; the SYN of one more is dropped.
    private const int MaxPairs = 1024;

    private readonly Dictionary<(IpEndpoint Near, IpEndpoint Far), ProxiedConnection> _pairs = [];
    private readonly List<(IpEndpoint Near, IpEndpoint Far)> _over = [];
    private readonly byte[] _buffer = new byte[ushort.MaxValue + 1];
    private ulong _draws;

    public override Instant NextTimeout
    {
        get
        {
            Instant next = Instant.Never;
            foreach (ProxiedConnection pair in _pairs.Values)
            {
                next = Instant.Min(next, pair.NextTimeout);
            }

            return next;
        }
    }

    public override void HandlePacket(Instant now, Heading heading, Span<byte> packet, MiddleboxOutput output)
    {
        if (!IpPacket.TryParse(packet, out IpPacket ip, out _) || ip.Protocol != IpProtocol.Tcp)
        {
            output.Send(heading, packet);
            return;
        }

        if (!TcpSegment.TryParse(ip, out TcpSegment segment, out _))
        {
            output.Drop(heading, packet);
            return;
        }

        (IpEndpoint Near, IpEndpoint Far) key = heading == Heading.Outward
            ? (segment.Source, segment.Destination)
            : (segment.Destination, segment.Source);
        if (!_pairs.TryGetValue(key, out ProxiedConnection? pair))
        {
            if (!segment.Syn || segment.Ack || _pairs.Count == MaxPairs)
            {
                output.Drop(heading, packet);
                return;
            }

            pair = new ProxiedConnection(key.Near, key.Far, () => (uint)SplitMix64.At(seed, _draws++));
            _pairs.Add(key, pair);
            pair.Open(now, heading, segment);
        }
        else
        {
            pair.HandleSegment(now, heading, segment);
        }

        Settle(now, key, pair, output);
    }

    public override void HandleTimeout(Instant now, MiddleboxOutput output)
    {
        foreach (((IpEndpoint, IpEndpoint) key, ProxiedConnection pair) in _pairs)
        {
            if (pair.NextTimeout <= now)
            {
                pair.HandleTimeout(now);
                if (!Drain(now, pair, output))
                {
                    _over.Add(key);
                }
            }
        }

        foreach ((IpEndpoint, IpEndpoint) key in _over)
        {
            _pairs.Remove(key);
        }

        _over.Clear();
    }

    private void Settle(Instant now, (IpEndpoint Near, IpEndpoint Far) key, ProxiedConnection pair, MiddleboxOutput output)
    {
        if (!Drain(now, pair, output))
        {
            _pairs.Remove(key);
        }
    }

    private bool Drain(Instant now, ProxiedConnection pair, MiddleboxOutput output)
    {
        while (pair.TryTransmit(now, _buffer, out Heading heading, out int length))
        {
            output.Send(heading, _buffer.AsSpan(0, length));
        }

        return !pair.IsOver;
    }
}
