using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>
/// A NAT that gives the near end's connections other ports of the same address. Connections that the far end opens come in
/// by a port that is forwarded, and keep it.
/// </summary>
/// <param name="options">What the NAT is like.</param>
/// <param name="seed">Decides about ports.</param>
/// <param name="forgetAt">The segment of the near end, from 1, before which it forgets all mappings once; 0 for never.</param>
internal sealed class PortTranslator(NatOptions options, ulong seed, int forgetAt) : Middlebox
{
    private const int InsideLink = 1;
    private readonly Dictionary<IpAddress, Nat> _nats = [];
    private readonly HashSet<IpEndpoint> _forwarded = [];
    private readonly byte[] _buffer = new byte[ushort.MaxValue + 1];
    private int _segments;

    public override void HandlePacket(Instant now, Heading heading, Span<byte> packet, MiddleboxOutput output)
    {
        if (!IpPacket.TryParse(packet, out IpPacket ip, out _)
            || !TcpSegment.TryParse(ip, verifyChecksum: false, out TcpSegment segment, out _))
        {
            if (heading == Heading.Outward || !TryPass(now, Nat.OutsideLink, packet, ip.Destination, output))
            {
                output.Send(heading, packet);
            }
        }
        else if (heading == Heading.Outward)
        {
            Leave(now, segment, packet, output);
        }
        else if (_forwarded.Contains(segment.Destination)
            || !TryPass(now, Nat.OutsideLink, packet, segment.Destination.Address, output))
        {
            Enter(segment, packet, output);
        }
    }

    private void Leave(Instant now, in TcpSegment segment, Span<byte> packet, MiddleboxOutput output)
    {
        if (_forwarded.Contains(segment.Source))
        {
            output.Send(Heading.Outward, packet);
            return;
        }

        IpAddress near = segment.Source.Address;
        if (!_nats.TryGetValue(near, out Nat? nat))
        {
            _nats[near] = nat = new Nat(options, near, SplitMix64.At(seed, (ulong)_nats.Count));
        }

        if (++_segments == forgetAt)
        {
            nat.Forget();
        }

        if (!TryPass(now, InsideLink, packet, near, output))
        {
            output.Drop(Heading.Outward, packet);
        }
    }

    private void Enter(in TcpSegment segment, Span<byte> packet, MiddleboxOutput output)
    {
        if (segment.Syn && !segment.Ack)
        {
            _forwarded.Add(segment.Destination);
        }

        if (_forwarded.Contains(segment.Destination))
        {
            output.Send(Heading.Inward, packet);
        }
        else
        {
            output.Drop(Heading.Inward, packet);
        }
    }

    private bool TryPass(Instant now, int link, ReadOnlySpan<byte> packet, IpAddress near, MiddleboxOutput output)
    {
        if (!_nats.TryGetValue(near, out Nat? nat))
        {
            return false;
        }

        bool any = false;
        nat.HandlePacket(now, link, packet);
        while (nat.TryTransmit(now, _buffer, out int exit, out int length))
        {
            any = true;
            output.Send(exit == Nat.OutsideLink ? Heading.Outward : Heading.Inward, _buffer.AsSpan(0, length));
        }

        return any;
    }
}
