using Xunit;

namespace Mptcp.Wire.Tests;

/// <summary>A segment of a capture, read with the parsers under test and kept.</summary>
internal sealed class CapturedSegment
{
    private CapturedSegment(in TcpSegment segment)
    {
        Source = segment.Source;
        Destination = segment.Destination;
        SequenceNumber = segment.SequenceNumber;
        Flags = segment.Flags;
        Payload = segment.Payload.ToArray();
        Assert.True(TcpOptions.TryParse(segment.Options, out TcpOptions options));
        Options = options;
        var reader = new TcpOptionReader(segment.Options);
        while (reader.TryRead(out byte kind, out ReadOnlySpan<byte> option))
            if (kind == TcpOptionKind.Mptcp) MptcpOptions.Add(option.ToArray());
        Assert.Equal(options.HasMptcp, MptcpOptions.Count > 0);
    }

    public IpEndpoint Source { get; }

    public IpEndpoint Destination { get; }

    public uint SequenceNumber { get; }

    public TcpFlags Flags { get; }

    public TcpOptions Options { get; }

    public byte[] Payload { get; }

    public List<byte[]> MptcpOptions { get; } = [];

    /// <summary>Reads a capture of TCP segments, with their checksums unless the capturing host left them to its card.</summary>
    public static IReadOnlyList<CapturedSegment> ReadAll(string capture, bool offloaded)
    {
        var segments = new List<CapturedSegment>();
        foreach (byte[] packet in PcapReader.ReadIpPackets(SharedFiles.Capture(capture)))
        {
            Assert.True(IpPacket.TryParse(packet, out IpPacket ip, out DropReason reason), reason.ToString());
            Assert.True(TcpSegment.TryParse(ip, !offloaded, out TcpSegment segment, out reason), reason.ToString());
            segments.Add(new CapturedSegment(segment));
        }

        return segments;
    }

    /// <summary>The options of one form, in order.</summary>
    public IEnumerable<T> All<T>(OptionParse<T> parse)
    {
        foreach (byte[] option in MptcpOptions)
            if (parse(option, out T value)) yield return value;
    }

    /// <summary>The one option of a form.</summary>
    public T One<T>(OptionParse<T> parse) => Assert.Single(All(parse));
}
