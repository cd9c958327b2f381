using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>Whose packets a NAT lets in to a port that it has opened.</summary>
public enum NatFiltering
{
    /// <summary>Anybody's (RFC 4787 §5).</summary>
    EndpointIndependent,

    /// <summary>Those of an address and port that the inside has written to.</summary>
    AddressAndPortDependent,
}

/// <summary>What a NAT is like.</summary>
public sealed record NatOptions
{
    /// <summary>How long a mapping lives without a packet, in nanoseconds (RFC 5382 REQ-5: at least 2 h 4 min).</summary>
    public long IdleNanoseconds { get; init; } = 124 * 60 * Instant.Second;

    /// <summary>The same for a connection that was not answered yet, or has ended: 4 min.</summary>
    public long TransitoryNanoseconds { get; init; } = 240 * Instant.Second;

    /// <summary>Whether a mapping keeps the inside port where it is free; false changes every port.</summary>
    public bool PreservesPorts { get; init; }

    /// <summary>Whose packets come in.</summary>
    public NatFiltering Filtering { get; init; } = NatFiltering.AddressAndPortDependent;

    /// <summary>The first outside port, to 65535.</summary>
    public ushort FirstPort { get; init; } = 1024;
}

/// <summary>
/// A NAT for TCP: one outside address, endpoint-independent mapping (RFC 5382 REQ-1), hairpinning. Link 0 is the outside;
/// any other link is inside. ICMP errors about a mapped segment come in; other protocols, options of IP and fragments do not
/// pass.
/// </summary>
public sealed class Nat : ForwardingNode
{
    /// <summary>The number of the link to the outside.</summary>
    public const int OutsideLink = 0;

    private readonly NatOptions _options;
    private readonly IpAddress _outside;
    private readonly ulong _seed;
    private readonly Dictionary<IpEndpoint, Mapping> _byInside = [];
    private readonly Dictionary<ushort, Mapping> _byPort = [];
    private readonly byte[] _error = new byte[IcmpErrors.MaxLength];
    private ulong _draws;

    /// <summary>Makes a NAT without mappings.</summary>
    /// <param name="options">What it is like.</param>
    /// <param name="outside">Its address on the outside.</param>
    /// <param name="seed">Decides about ports.</param>
    public Nat(NatOptions options, IpAddress outside, ulong seed) => (_options, _outside, _seed) = (options, outside, seed);

    /// <summary>Packets that did not pass.</summary>
    public long Dropped { get; private set; }

    /// <summary>Mappings, those included whose time is over and that nobody has asked for since.</summary>
    public int Mappings => _byInside.Count;

    /// <summary>Forgets all mappings, as a restart does: the inside gets new ports, the outside gets in no more.</summary>
    public void Forget()
    {
        _byInside.Clear();
        _byPort.Clear();
    }

    /// <inheritdoc/>
    public override void HandlePacket(Instant now, int link, ReadOnlySpan<byte> packet)
    {
        // Only plain headers are changed; TCP's own checksum is the receiver's affair.
        if (!IpPacket.TryParse(packet, out IpPacket ip, out _)
            || packet.Length - ip.Payload.Length != TcpPacket.IpHeaderLength(ip.Source.IsV4)
            || ip.Source.IsV4 != _outside.IsV4
            || !TryPass(now, link, packet, ip))
        {
            Dropped++;
        }
    }

    private bool TryPass(Instant now, int link, ReadOnlySpan<byte> packet, in IpPacket ip)
    {
        if (TcpSegment.TryParse(ip, verifyChecksum: false, out TcpSegment segment, out _))
        {
            return link == OutsideLink ? TryEnter(now, packet, segment) : TryLeave(now, link, packet, segment);
        }

        return link == OutsideLink
            && IcmpMessage.TryParse(ip, out IcmpMessage error, out _)
            && error.Source.Address == _outside
            && TryFind(now, error.Source.Port, out Mapping? mapping)
            && mapping!.Remotes?.Contains(error.Destination) != false
            && TryTranslate(packet, ip.Source, mapping);
    }

    private bool TryTranslate(ReadOnlySpan<byte> packet, IpAddress from, Mapping mapping)
    {
        if (packet.Length > _error.Length)
        {
            return false;
        }

        packet.CopyTo(_error);
        if (!IcmpErrors.TryTranslate(_error.AsSpan(0, packet.Length), from, mapping.Inside))
        {
            return false;
        }

        Forward(mapping.Link, _error.AsSpan(0, packet.Length));
        return true;
    }

    private bool TryLeave(Instant now, int link, ReadOnlySpan<byte> packet, in TcpSegment segment)
    {
        if (FindOrMake(now, segment.Source, link) is not { } mapping)
        {
            return false;
        }

        mapping.Remotes?.Add(segment.Destination);
        Touch(now, mapping, segment.Flags, outward: true);
        if (segment.Destination.Address != _outside)
        {
            PacketHeaders.WriteEndpoint(Forward(OutsideLink, packet), source: true, new IpEndpoint(_outside, mapping.Port));
            return true;
        }

        // Hairpin: the other one sees our outside, too.
        if (!TryFind(now, segment.Destination.Port, out Mapping? other) || other!.Remotes?.Contains(new IpEndpoint(_outside, mapping.Port)) == false)
        {
            return false;
        }

        Touch(now, other, segment.Flags, outward: false);
        Span<byte> turned = Forward(other.Link, packet);
        PacketHeaders.WriteEndpoint(turned, source: true, new IpEndpoint(_outside, mapping.Port));
        PacketHeaders.WriteEndpoint(turned, source: false, other.Inside);
        return true;
    }

    private bool TryEnter(Instant now, ReadOnlySpan<byte> packet, in TcpSegment segment)
    {
        if (segment.Destination.Address != _outside
            || !TryFind(now, segment.Destination.Port, out Mapping? mapping)
            || mapping!.Remotes?.Contains(segment.Source) == false)
        {
            return false;
        }

        Touch(now, mapping, segment.Flags, outward: false);
        PacketHeaders.WriteEndpoint(Forward(mapping.Link, packet), source: false, mapping.Inside);
        return true;
    }

    private void Touch(Instant now, Mapping mapping, TcpFlags flags, bool outward)
    {
        mapping.Answered |= !outward;
        mapping.Ended = (flags & TcpFlags.Syn) == 0 && (mapping.Ended || (flags & (TcpFlags.Fin | TcpFlags.Rst)) != 0);
        mapping.Expires = now
            + (mapping.Answered && !mapping.Ended ? _options.IdleNanoseconds : _options.TransitoryNanoseconds);
    }

    private bool TryFind(Instant now, ushort port, out Mapping? mapping)
    {
        if (_byPort.TryGetValue(port, out mapping) && mapping.Expires <= now)
        {
            Remove(mapping);
            mapping = null;
        }

        return mapping is not null;
    }

    private Mapping? FindOrMake(Instant now, IpEndpoint inside, int link)
    {
        if (_byInside.TryGetValue(inside, out Mapping? known))
        {
            if (known.Expires > now)
            {
                return known;
            }

            Remove(known);
        }

        if (ChoosePort(now, inside.Port) is not { } port)
        {
            return null;
        }

        var made = new Mapping(inside, port, link, _options.Filtering == NatFiltering.EndpointIndependent ? null : []);
        _byInside.Add(inside, made);
        _byPort.Add(port, made);
        return made;
    }

    private ushort? ChoosePort(Instant now, ushort wanted)
    {
        if (_options.PreservesPorts && wanted >= _options.FirstPort && !TryFind(now, wanted, out _))
        {
            return wanted;
        }

        int range = ushort.MaxValue + 1 - _options.FirstPort;
        int start = (int)(SplitMix64.At(_seed, _draws++) % (ulong)range);
        for (int i = 0; i < range; i++)
        {
            var port = (ushort)(_options.FirstPort + (start + i) % range);
            if ((_options.PreservesPorts || port != wanted) && !TryFind(now, port, out _))
            {
                return port;
            }
        }

        return null;
    }

    private void Remove(Mapping mapping)
    {
        _byInside.Remove(mapping.Inside);
        _byPort.Remove(mapping.Port);
    }

    private sealed class Mapping(IpEndpoint inside, ushort port, int link, HashSet<IpEndpoint>? remotes)
    {
        public IpEndpoint Inside => inside;

        public ushort Port => port;

        public int Link => link;

        public HashSet<IpEndpoint>? Remotes => remotes;

        public bool Answered { get; set; }

        public bool Ended { get; set; }

        public Instant Expires { get; set; }
    }
}
