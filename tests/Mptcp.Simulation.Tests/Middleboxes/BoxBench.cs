using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation.Tests;

/// <summary>A segment, as a middlebox gets it or gives it.</summary>
internal sealed record BoxSegment(Heading Heading, TcpFlags Flags, uint Sequence, uint Acknowledgment = 0)
{
    public byte[] Payload { get; init; } = [];

    public byte[] Options { get; init; } = [];

    public ushort Window { get; init; } = 1000;

    public ushort NearPort { get; init; } = BoxBench.NearPort;

    public bool Dropped { get; init; }

    public bool Syn => (Flags & TcpFlags.Syn) != 0;

    /// <summary>The subtypes of its MPTCP options.</summary>
    public List<MptcpSubtype> Subtypes
    {
        get
        {
            var found = new List<MptcpSubtype>();
            var reader = new TcpOptionReader(Options);
            while (reader.TryRead(out _, out ReadOnlySpan<byte> option))
            {
                if (MptcpOption.TryGetSubtype(option, out MptcpSubtype subtype))
                {
                    found.Add(subtype);
                }
            }

            return found;
        }
    }
}

/// <summary>Pushes segments through middleboxes; all that comes out must have right checksums.</summary>
internal sealed class BoxBench
{
    public const ushort NearPort = 40_000;
    public const ushort FarPort = 80;
    public const uint NearOrigin = uint.MaxValue - 1000;
    public const uint FarOrigin = 7_000_000;
    public const TcpFlags Ack = TcpFlags.Ack;
    private readonly byte[] _buffer = new byte[65_536];
    private readonly IpAddress _near;
    private readonly IpAddress _far;

    public BoxBench(bool v6, params string[] boxes)
    {
        (_near, _far) = v6
            ? (IpAddress.Parse("2001:db8::1"), IpAddress.Parse("2001:db8::2"))
            : (IpAddress.Parse("10.0.0.1"), IpAddress.Parse("10.0.0.2"));
        Chain = new MiddleboxChain([.. boxes.Select((name, i) => Make(name, (ulong)i))]);
    }

    public MiddleboxChain Chain { get; }

    public Instant Now { get; set; } = new(Instant.Second);

    public static Middlebox Make(string name, ulong seed = 0)
    {
        Assert.True(MiddleboxCatalog.TryMake(name, seed, out Middlebox? box, out string? expected), expected);
        return box;
    }

    /// <summary>The three segments of the near end's handshake; returns what came out.</summary>
    public List<BoxSegment> Handshake()
    {
        List<BoxSegment> all = Push(Near(TcpFlags.Syn, -1, 0) with { Options = [.. Mss, .. Option(MptcpSubtype.MpCapable, 4)] });
        all.AddRange(Push(Far(TcpFlags.Syn | Ack, -1, 0) with { Options = [.. Mss, .. Option(MptcpSubtype.MpCapable, 12)] }));
        all.AddRange(Push(Near(Ack, 0, 0) with { Options = Option(MptcpSubtype.MpCapable, 20) }));
        return all;
    }

    public static byte[] Mss => [TcpOptionKind.MaximumSegmentSize, 4, 5, 0xb4];

    public static byte[] Option(MptcpSubtype subtype, int length) =>
        [TcpOptionKind.Mptcp, (byte)length, (byte)((int)subtype << 4), .. Enumerable.Range(3, length - 3).Select(i => (byte)i)];

    public static byte[] Sack(uint left, uint right) =>
    [
        1, 1, TcpOptionKind.Sack, 10,
        (byte)(left >> 24), (byte)(left >> 16), (byte)(left >> 8), (byte)left,
        (byte)(right >> 24), (byte)(right >> 16), (byte)(right >> 8), (byte)right,
    ];

    public static byte[] Bytes(int from, int count) => [.. Enumerable.Range(from, count).Select(i => (byte)(i * 7 + (i >> 8)))];

    /// <summary>A segment of the near end; offsets count from its first byte, so that the SYN is -1.</summary>
    public static BoxSegment Near(TcpFlags flags, int at, int acknowledged, int payload = 0) =>
        new(Heading.Outward, flags, unchecked(NearOrigin + 1 + (uint)at), (flags & Ack) != 0 ? FarOrigin + 1 + (uint)acknowledged : 0)
        {
            Payload = Bytes(Math.Max(at, 0), payload),
        };

    /// <summary>The same of the far end.</summary>
    public static BoxSegment Far(TcpFlags flags, int at, int acknowledged, int payload = 0) =>
        new(Heading.Inward, flags, unchecked(FarOrigin + 1 + (uint)at), (flags & Ack) != 0 ? unchecked(NearOrigin + 1 + (uint)acknowledged) : 0)
        {
            Payload = Bytes(Math.Max(at, 0), payload),
        };

    public List<BoxSegment> Push(BoxSegment segment)
    {
        int length = Write(segment);
        Chain.HandlePacket(Now, segment.Heading, _buffer.AsSpan(0, length));
        return Drain();
    }

    public List<BoxSegment> Wait(long nanoseconds)
    {
        var all = new List<BoxSegment>();
        Instant end = Now + nanoseconds;
        while (Chain.NextTimeout <= end)
        {
            Now = Instant.Min(Chain.NextTimeout, end);
            Chain.HandleTimeout(Now);
            all.AddRange(Drain());
        }

        Now = end;
        return all;
    }

    public List<BoxSegment> Drain()
    {
        var all = new List<BoxSegment>();
        while (Chain.TryTake(_buffer, out Heading heading, out int length, out bool dropped))
        {
            all.Add(Read(heading, _buffer.AsSpan(0, length)) with { Dropped = dropped });
        }

        return all;
    }

    public int Write(BoxSegment segment)
    {
        bool outward = segment.Heading == Heading.Outward;
        var near = new IpEndpoint(_near, segment.NearPort);
        var far = new IpEndpoint(_far, FarPort);
        byte[] options = [.. segment.Options, .. Enumerable.Repeat(TcpOptionKind.NoOperation, (4 - segment.Options.Length % 4) % 4)];
        segment.Payload.CopyTo(_buffer.AsSpan(TcpPacket.PayloadOffset(_near.IsV4, options.Length)));
        return TcpPacket.Write(
            _buffer,
            new TcpHeaderFields
            {
                Source = outward ? near : far,
                Destination = outward ? far : near,
                SequenceNumber = segment.Sequence,
                AcknowledgmentNumber = segment.Acknowledgment,
                Flags = segment.Flags,
                Window = segment.Window,
            },
            options,
            segment.Payload.Length);
    }

    public byte[] PacketOf(BoxSegment segment) => _buffer[..Write(segment)];

    private BoxSegment Read(Heading heading, ReadOnlySpan<byte> packet)
    {
        Assert.True(IpPacket.TryParse(packet, out IpPacket ip, out DropReason reason), reason.ToString());
        Assert.True(TcpSegment.TryParse(ip, out TcpSegment segment, out reason), reason.ToString());
        Assert.Equal(packet.Length, TcpPacket.IpHeaderLength(_near.IsV4) + ip.Payload.Length);
        (IpEndpoint near, IpEndpoint far) = heading == Heading.Outward
            ? (segment.Source, segment.Destination)
            : (segment.Destination, segment.Source);
        Assert.Equal((_near, new IpEndpoint(_far, FarPort)), (near.Address, far));
        return new BoxSegment(heading, segment.Flags, segment.SequenceNumber, segment.AcknowledgmentNumber)
        {
            Payload = segment.Payload.ToArray(),
            Options = segment.Options.ToArray(),
            Window = segment.Window,
            NearPort = near.Port,
        };
    }
}
