using System.Buffers;
using System.Buffers.Binary;
using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;
using Mptcp.Wire.Tests;

namespace Mptcp.Lab.Tests;

/// <summary>The judge of captures: it finds nothing in what is right, and every single thing that is made wrong.</summary>
public sealed class CaptureAuditTests
{
    private const int Size = 300_000;

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 20_000)]
    [InlineData(true, 20_000)]
    public void What_the_standard_says_is_verified(bool checksum, int lossPerMillion)
    {
        CaptureFindings findings = Audit(Record(checksum, lossPerMillion));
        Assert.Empty(findings.Faults);
        Assert.Equal((1, 1, 0), (findings.Connections, findings.Joins, findings.Fallbacks));
        Assert.Equal(2 * Size, findings.DataBytes);
        Assert.True(findings.Announcements >= 1, findings.ToString());
        Assert.InRange(findings.Mappings, 2 * Size / 1460, 3 * Size / 1000);
        Assert.Equal(checksum ? findings.Mappings : 0, findings.Checksums);
    }

    /// <summary>One octet of one option or payload is changed; offsets count in the option, kind first.</summary>
    [Theory]
    [InlineData("responder's key", 0, 20, 12)]
    [InlineData("HMAC of the SYN/ACK", 1, 16, 5)]
    [InlineData("HMAC of the third ACK", 1, 24, 9)]
    [InlineData("HMAC of ADD_ADDR", 3, 16, 15)]
    [InlineData("HMAC of ADD_ADDR", 3, 16, 3)]
    [InlineData("reserved bits", 2, 28, 2)]
    [InlineData("never sent", 2, 28, 8)]
    [InlineData("from the initial number", 2, 28, 13)]
    [InlineData("no mapping", 2, 28, 22)]
    [InlineData("checksum of the mapping", 2, 28, 27)]
    [InlineData("version 1", 0, 4, 2)]
    public void One_wrong_octet_of_an_option_is_found(string fault, int subtype, int length, int at)
    {
        List<byte[]> packets = Record(checksum: true, lossPerMillion: 0);
        byte[] victim = packets.FindAll(packet => OptionAt(packet, subtype, length) >= 0) switch
        {
            // The first mapping is MP_CAPABLE's neighbour: take one in mid-stream.
            { Count: > 40 } many => many[40],
            var few => few[0],
        };
        victim[OptionAt(victim, subtype, length) + at]++;
        Assert.Contains(Audit(packets).Faults, found => found.Contains(fault, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true, "checksum of the mapping")]
    [InlineData(false, "another value")]
    public void One_wrong_octet_of_payload_is_found(bool checksum, string fault)
    {
        List<byte[]> packets = Record(checksum, lossPerMillion: checksum ? 0 : 20_000);

        // Without a checksum it takes a second copy to know: the segment sent twice.
        var seen = new Dictionary<uint, byte[]>();
        byte[] victim = packets.FindAll(packet => packet.Length > 1400).Find(
            packet => checksum || !seen.TryAdd(BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(24)), packet))!;
        victim[^1] ^= 0x10;
        Assert.Contains(Audit(packets).Faults, found => found.Contains(fault, StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_is_read_as_it_was_written()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".pcapng");
        try
        {
            var file = new ArrayBufferWriter<byte>();
            List<byte[]> packets = Record(checksum: true, lossPerMillion: 0);
            PcapngFormat.WriteSectionHeader(file);
            PcapngFormat.WriteInterface(file, "path1", snapLength: 0);
            packets.ForEach(packet => PcapngFormat.WritePacket(file, 0, 1, packet));
            File.WriteAllBytes(path, file.WrittenSpan);
            Assert.Equal(packets, CaptureFile.Read(path).Select(packet => packet.ToArray()));
            Assert.Empty(CaptureAudit.Run(path).Faults);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_real_capture_of_another_implementation_has_no_fault()
    {
        CaptureFindings findings = CaptureAudit.Run(SharedFiles.Capture("mptcp-v1.pcap"));
        Assert.Empty(findings.Faults);
        Assert.Equal((1, 4), (findings.Connections, findings.Mappings));
    }

    [Fact]
    public void What_is_no_capture_is_refused()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "this is text, and long enough for a header");
            Assert.Throws<InvalidDataException>(() => CaptureAudit.Run(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static CaptureFindings Audit(List<byte[]> packets) =>
        CaptureAudit.Run(packets.Select(packet => (ReadOnlyMemory<byte>)packet));

    /// <summary>Where an option of Multipath TCP is in a packet of IPv4, or -1.</summary>
    private static int OptionAt(byte[] packet, int subtype, int length)
    {
        int end = 20 + (packet[32] >> 4) * 4;
        for (int at = 40; at < end && packet[at] != 0; at += packet[at] == 1 ? 1 : packet[at + 1])
        {
            if (packet[at] == 30 && packet[at + 1] == length && packet[at + 2] >> 4 == subtype)
            {
                return at;
            }
        }

        return -1;
    }

    /// <summary>The packets of two streams, one each way, over two paths between engines.</summary>
    private static List<byte[]> Record(bool checksum, int lossPerMillion)
    {
        var network = new SimulatedNetwork(7);
        var settings = new StackOptions { Connection = new MptcpSettings { ChecksumRequired = checksum } };
        var client = new NetworkStack(settings, new SeededEntropy(1));
        var server = new NetworkStack(settings, new SeededEntropy(2));
        (int a, int b) = (network.AddHost(client), network.AddHost(server));
        var packets = new List<byte[]>();
        for (int p = 0; p < 2; p++)
        {
            client.AddAddress(new LocalAddress(p, IpAddress.Parse($"10.1.{p}.1"), 1500));
            server.AddAddress(new LocalAddress(p, IpAddress.Parse($"10.1.{p}.2"), 1500));
            network.Connect(a, p, b, p, PathOptions.Of(20, 10, 60_000) with { LossPerMillion = lossPerMillion }).Filter =
                (_, packet) =>
                {
                    packets.Add(packet.ToArray());
                    return true;
                };
        }

        StackListener listener = server.TryListen(80)!;
        StackSocket up = client.TryConnect(network.Now, client.Addresses[0], new IpEndpoint(IpAddress.Parse("10.1.0.2"), 80))!;
        StackSocket? down = null;
        byte[] chunk = new byte[8192];
        (int written, int answered) = (0, 0);
        bool whole = network.RunUntil(
            () =>
            {
                if (down is null && !listener.TryAccept(out down))
                {
                    return false;
                }

                written += Write(up, written, chunk);
                answered += Write(down, answered, chunk);
                _ = up.TryRead(chunk) + down.TryRead(chunk);
                return client.Connections == 0 && server.Connections == 0;
            },
            120 * Instant.Second);
        Assert.True(whole || (up.EndOfStream && down!.EndOfStream));
        return packets;
    }

    private static int Write(StackSocket socket, int written, byte[] chunk)
    {
        int count = Math.Min(chunk.Length, Size - written);
        for (int i = 0; i < count; i++)
        {
            chunk[i] = (byte)((written + i) * 31 >> 3);
        }

        count = socket.TryWrite(chunk.AsSpan(0, count));
        if (count > 0 && written + count == Size)
        {
            socket.CompleteWrites();
        }

        return count;
    }
}
