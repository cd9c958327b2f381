using System.Buffers.Binary;
using System.Security.Cryptography;
using Xunit;

namespace Mptcp.Wire.Tests;

/// <summary>What other implementations said on the wire, read and said again.</summary>
public class CaptureTests
{
    private const string Version0 = "mptcp-v0.pcap";
    private const string Version1 = "mptcp-v1.pcap";
    private const string FastClose = "mptcp-fclose.pcap";
    private const string Resets = "mptcp-tcprst.pcap";

    // The keys of the connections: initiator, then responder.
    private const ulong Version1KeyA = 0x1fdb5df328bc3def;
    private const ulong Version1KeyB = 0x29a6c86981ad933c;
    private const ulong Version0KeyA = 0x9c9eabd1e46a33b2;
    private const ulong Version0KeyB = 0x967d2770b6960552;

    private static readonly OptionRewrite[] _rewrites =
    [
        Rewrites<MpCapableOption>(MpCapableOption.TryParse, (in o, ref w) => o.TryWrite(ref w)),
        Rewrites<MpJoinSynOption>(MpJoinSynOption.TryParse, (in o, ref w) => o.TryWrite(ref w)),
        Rewrites<MpJoinSynAckOption>(MpJoinSynAckOption.TryParse, (in o, ref w) => o.TryWrite(ref w)),
        Rewrites<MpJoinAckOption>(MpJoinAckOption.TryParse, (in o, ref w) => o.TryWrite(ref w)),
        Rewrites<DssOption>(DssOption.TryParse, (in o, ref w) => o.TryWrite(ref w)),
        Rewrites<AddAddressOption>(AddAddressOption.TryParse, (in o, ref w) => o.TryWrite(ref w)),
        Rewrites<RemoveAddressOption>(RemoveAddressOption.TryParse, (in o, ref w) => o.TryWrite(ref w)),
        Rewrites<MpFastCloseOption>(MpFastCloseOption.TryParse, (in o, ref w) => o.TryWrite(ref w)),
        Rewrites<MpTcpRstOption>(MpTcpRstOption.TryParse, (in o, ref w) => o.TryWrite(ref w)),
    ];

    private delegate byte[]? OptionRewrite(byte[] option);

    /// <summary>The counts are by subtype: MP_CAPABLE, MP_JOIN, DSS, ADD_ADDR, REMOVE_ADDR, ..., MP_FASTCLOSE, MP_TCPRST.</summary>
    [Theory]
    [Trait("Requirement", "5")]
    [InlineData(Version1, 20, new[] { 4, 0, 16, 0, 0, 0, 0, 0, 0 })]
    [InlineData(Version0, 264, new[] { 3, 3, 258, 1, 1, 0, 0, 0, 0 })]
    [InlineData(FastClose, 9, new[] { 3, 0, 5, 0, 0, 0, 0, 1, 0 })]
    [InlineData(Resets, 2, new[] { 0, 0, 0, 0, 0, 0, 0, 0, 2 })]
    public void Every_option_is_written_as_it_came(string capture, int segments, int[] subtypes)
    {
        IReadOnlyList<CapturedSegment> read = Read(capture);
        Assert.Equal(segments, read.Count);
        var counts = new int[subtypes.Length];
        foreach (byte[] option in read.SelectMany(s => s.MptcpOptions))
        {
            Assert.True(MptcpOption.TryGetSubtype(option, out MptcpSubtype subtype));
            counts[(int)subtype]++;
            IEnumerable<byte[]> rewritten = _rewrites.Select(rewrite => rewrite(option)).OfType<byte[]>();

            // ADD_ADDR of version 0 has another form, which must not be taken for one of version 1.
            if (capture == Version0 && subtype == MptcpSubtype.AddAddress) Assert.Empty(rewritten);
            else Assert.Equal(option, Assert.Single(rewritten));
        }

        Assert.Equal(subtypes, counts);
    }

    [Fact]
    [Trait("Requirement", "12")]
    [Trait("Requirement", "13")]
    [Trait("Requirement", "14")]
    [Trait("Requirement", "15")]
    [Trait("Requirement", "16")]
    public void The_handshake_of_version_1_gives_the_keys()
    {
        IReadOnlyList<CapturedSegment> read = Read(Version1);
        MpCapableOption[] said = [.. read.SelectMany(s => s.All<MpCapableOption>(MpCapableOption.TryParse))];
        Assert.All(said, o => Assert.True(o is { Version: 1, HmacSha256: true, ChecksumRequired: false, Extensibility: false }));
        Assert.Equal([4, 12, 20, 22], said.Select(o => o.Length - (o.Checksum is null ? 0 : 2)));
        Assert.Equal((TcpFlags.Syn, TcpFlags.Syn | TcpFlags.Ack), (read[0].Flags, read[1].Flags));
        Assert.Equal(Version1KeyB, said[1].SenderKey);
        Assert.Equal((Version1KeyA, Version1KeyB), (said[2].SenderKey!.Value, said[2].ReceiverKey!.Value));
        Assert.Equal((Version1KeyA, Version1KeyB), (said[3].SenderKey!.Value, said[3].ReceiverKey!.Value));
        Assert.Equal((ushort)8192, said[3].DataLength);
        Assert.Equal(7100, read[3].Payload.Length);
    }

    /// <summary>The first octet of data is IDSN + 1; one mapping covers the 8192 octets of two segments.</summary>
    [Fact]
    [Trait("Requirement", "30")]
    [Trait("Requirement", "58")]
    [Trait("Requirement", "95")]
    [Trait("Requirement", "111")]
    [Trait("Requirement", "113")]
    public void The_data_of_version_1_is_mapped_from_the_keys_on()
    {
        ulong fromA = MptcpCrypto.InitialDataSequenceNumber(Version1KeyA) + 1;
        ulong fromB = MptcpCrypto.InitialDataSequenceNumber(Version1KeyB) + 1;
        IReadOnlyList<CapturedSegment> read = Read(Version1);

        DssOption reply = read[6].One<DssOption>(DssOption.TryParse);
        Assert.True(reply is { HasMapping: true, DataSequence64: true, SubflowSequenceNumber: 1, DataLength: 8192, HasChecksum: false });
        Assert.Equal((fromB, fromA), (reply.DataSequenceNumber, reply.DataAck));
        Assert.Equal(7100, read[6].Payload.Length);
        Assert.False(read[9].One<DssOption>(DssOption.TryParse).HasMapping);
        Assert.Equal((read[6].SequenceNumber + 7100, 1092), (read[9].SequenceNumber, read[9].Payload.Length));

        DssOption second = read[8].One<DssOption>(DssOption.TryParse);
        Assert.Equal((fromA + 8192, 8193u), (second.DataSequenceNumber, second.SubflowSequenceNumber));
        DssOption fin = read[15].One<DssOption>(DssOption.TryParse);
        Assert.Equal((fromA + 8192 + second.DataLength, fromB + 8192), (fin.DataSequenceNumber, fin.DataAck));
    }

    [Fact]
    [Trait("Requirement", "122")]
    [Trait("Requirement", "123")]
    public void A_DATA_FIN_of_version_1_stands_alone()
    {
        DssOption[] fins = [.. Read(Version1).SelectMany(s => s.All<DssOption>(DssOption.TryParse)).Where(o => o.DataFin)];
        Assert.Equal(2, fins.Length);
        Assert.All(fins, o => Assert.True(o is { HasMapping: true, SubflowSequenceNumber: 0, DataLength: 1 }));
    }

    /// <summary>
    /// The checksum did not change between the versions. Each host's data sequence numbers come in 32 bits here, and go
    /// into the checksum with the upper half that its key gives.
    /// </summary>
    [Theory]
    [Trait("Requirement", "97")]
    [Trait("Requirement", "108")]
    [Trait("Requirement", "123")]
    [InlineData(Version0, 153)]
    [InlineData(FastClose, 2)]
    public void Every_DSS_checksum_of_another_implementation_is_right(string capture, int mappings)
    {
        IReadOnlyList<CapturedSegment> read = Read(capture);
        var next = new Dictionary<ulong, ulong>();
        MpCapableOption keys = read[2].One<MpCapableOption>(MpCapableOption.TryParse);
        var initiators = read.Where(s => s.Flags == TcpFlags.Syn).Select(s => s.Source).ToHashSet();
        int verified = 0;
        foreach (CapturedSegment segment in read)
        {
            ulong key = (initiators.Contains(segment.Source) ? keys.SenderKey : keys.ReceiverKey)!.Value;
            foreach (DssOption dss in segment.All<DssOption>(DssOption.TryParse).Where(o => o.HasMapping))
            {
                ulong near = next.GetValueOrDefault(key, BinaryPrimitives.ReadUInt64BigEndian(Sha1(key).AsSpan(12)));
                ulong number = SequenceNumbers.Unwrap32((uint)dss.DataSequenceNumber, near);
                uint sum = InternetChecksum.Accumulate(segment.Payload);
                Assert.True(DssChecksum.Verify(number, dss.SubflowSequenceNumber, dss.DataLength, sum, dss.Checksum));
                Assert.Equal(dss.Checksum, DssChecksum.Compute(number, dss.SubflowSequenceNumber, dss.DataLength, sum));
                next[key] = number + dss.DataLength;
                verified++;
            }
        }

        Assert.Equal(mappings, verified);
    }

    /// <summary>Version 0 differs in its hash alone: SHA-1. Token, order of keys and nonces, and truncation are the same.</summary>
    [Fact]
    [Trait("Requirement", "60")]
    [Trait("Requirement", "61")]
    [Trait("Requirement", "62")]
    [Trait("Requirement", "63")]
    [Trait("Requirement", "77")]
    public void The_join_of_version_0_is_read_field_by_field()
    {
        IReadOnlyList<CapturedSegment> read = Read(Version0);
        MpJoinSynOption syn = read[7].One<MpJoinSynOption>(MpJoinSynOption.TryParse);
        MpJoinSynAckOption synAck = read[8].One<MpJoinSynAckOption>(MpJoinSynAckOption.TryParse);
        MpJoinAckOption ack = read[9].One<MpJoinAckOption>(MpJoinAckOption.TryParse);
        Assert.Equal(new MpJoinSynOption(false, 0, 0xe47f0142, 0x1b665a18), syn);
        Assert.Equal(BinaryPrimitives.ReadUInt32BigEndian(Sha1(Version0KeyB)), syn.Token);
        Assert.Equal(new MpJoinSynAckOption(false, 1, 0x5ab680c7884af03d, 0x33abe9d5), synAck);

        byte[] hmacB = Sha1Hmac(Version0KeyB, Version0KeyA, synAck.Nonce, syn.Nonce);
        byte[] hmacA = Sha1Hmac(Version0KeyA, Version0KeyB, syn.Nonce, synAck.Nonce);
        Assert.Equal(BinaryPrimitives.ReadUInt64BigEndian(hmacB), synAck.TruncatedHmac);
        Assert.Equal(new MpJoinAckOption(hmacA), ack);
        Assert.Equal("CB7B87F5", Convert.ToHexString(hmacA[..4]));
    }

    [Fact]
    [Trait("Requirement", "186")]
    [Trait("Requirement", "187")]
    public void A_fast_close_carries_the_key_of_its_receiver()
    {
        IReadOnlyList<CapturedSegment> read = Read(FastClose);
        CapturedSegment close = Assert.Single(read, s => s.All<MpFastCloseOption>(MpFastCloseOption.TryParse).Any());
        CapturedSegment answer = Assert.Single(read, s => s.Flags == (TcpFlags.Syn | TcpFlags.Ack));
        Assert.Equal(TcpFlags.Ack, close.Flags);
        Assert.Equal(answer.Source, close.Destination);
        Assert.Equal(
            answer.One<MpCapableOption>(MpCapableOption.TryParse).SenderKey,
            close.One<MpFastCloseOption>(MpFastCloseOption.TryParse).ReceiverKey);
    }

    [Fact]
    [Trait("Requirement", "197")]
    [Trait("Requirement", "200")]
    public void Resets_carry_their_reasons() => Assert.Equal(
        [new MpTcpRstOption(false, MpTcpRstReason.Unspecified), new MpTcpRstOption(true, MpTcpRstReason.MptcpSpecificError)],
        Read(Resets).Select(s => s.One<MpTcpRstOption>(MpTcpRstOption.TryParse)));

    [Fact]
    public void The_options_of_plain_TCP_are_read_beside_them()
    {
        TcpOptions syn = Read(Version1)[0].Options;
        Assert.Equal(((ushort)1460, (byte)8), (syn.MaximumSegmentSize!.Value, syn.WindowScale!.Value));
        Assert.True(syn is { SackPermitted: true, HasTimestamps: true, TimestampValue: 0x1baf9ea1, TimestampEcho: 0 });
    }

    // Only the host of the version 1 capture left the checksums of TCP to its network card.
    private static IReadOnlyList<CapturedSegment> Read(string capture) =>
        CapturedSegment.ReadAll(capture, offloaded: capture == Version1);

    private static OptionRewrite Rewrites<T>(OptionParse<T> parse, OptionWrite<T> write) => option =>
    {
        if (!parse(option, out T value)) return null;
        var writer = new TcpOptionWriter(new byte[TcpPacket.MaxOptionsLength]);
        Assert.True(write(value, ref writer));
        return writer.Written.ToArray();
    };

#pragma warning disable CA5350 // Version 0 is made of SHA-1.
    private static byte[] Sha1(ulong key) => SHA1.HashData(Octets(key));

    private static byte[] Sha1Hmac(ulong firstKey, ulong secondKey, uint firstNonce, uint secondNonce) =>
        HMACSHA1.HashData((byte[])[.. Octets(firstKey), .. Octets(secondKey)], Octets(((ulong)firstNonce << 32) | secondNonce));
#pragma warning restore CA5350

    private static byte[] Octets(ulong value)
    {
        var octets = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(octets, value);
        return octets;
    }
}
