using System.Buffers.Binary;
using CsCheck;
using Xunit;

namespace Mptcp.Wire.Tests;

/// <summary>The checksum of RFC 8684 §3.3.1, against the octets that the RFC draws (Figure 10).</summary>
[Trait("Requirement", "97")]
public class DssChecksumTests
{
    [Fact]
    public void It_is_the_TCP_checksum_over_the_pseudo_header_and_the_data() =>
        Gen.Select(Gen.ULong, Gen.UInt, Gen.UShort, Gen.Byte.Array[0, 200]).Sample(
            (number, subflow, length, data) =>
            {
                ushort expected = NaiveChecksum.Checksum(Drawn(number, subflow, length, data));
                uint sum = InternetChecksum.Accumulate(data);
                Assert.Equal(expected, DssChecksum.Compute(number, subflow, length, sum));
                Assert.True(DssChecksum.Verify(number, subflow, length, sum, expected));
            },
            iter: 10_000);

    /// <summary>Computed by hand: 0102+0304+0506+0708 + 0000+0001 + 0005 + 0000 + 6865+6c6c+6f00 = 1 53eb; ~53ec.</summary>
    [Fact]
    public void A_worked_example()
    {
        uint sum = InternetChecksum.Accumulate("hello"u8);
        Assert.Equal(0xac13, DssChecksum.Compute(0x0102030405060708, 1, 5, sum));
    }

    [Fact]
    public void Any_changed_bit_is_found() =>
        Gen.Select(Gen.ULong, Gen.UInt, Gen.UShort, Gen.Byte.Array[1, 20]).Sample(
            (number, subflow, length, data) =>
            {
                ushort checksum = DssChecksum.Compute(number, subflow, length, InternetChecksum.Accumulate(data));
                uint sum = InternetChecksum.Accumulate(data);
                for (int bit = 0; bit < 64; bit++) Assert.False(DssChecksum.Verify(number ^ (1UL << bit), subflow, length, sum, checksum));
                for (int bit = 0; bit < 32; bit++) Assert.False(DssChecksum.Verify(number, subflow ^ (1u << bit), length, sum, checksum));
                for (int bit = 0; bit < 16; bit++)
                {
                    Assert.False(DssChecksum.Verify(number, subflow, (ushort)(length ^ (1 << bit)), sum, checksum));
                    Assert.False(DssChecksum.Verify(number, subflow, length, sum, (ushort)(checksum ^ (1 << bit))));
                }

                for (int bit = 0; bit < data.Length * 8; bit++)
                {
                    data[bit / 8] ^= (byte)(1 << (bit % 8));
                    Assert.False(DssChecksum.Verify(number, subflow, length, InternetChecksum.Accumulate(data), checksum));
                    data[bit / 8] ^= (byte)(1 << (bit % 8));
                }
            },
            iter: 500);

    /// <summary>A mapping over several segments, of odd lengths: the sums of the pieces are joined.</summary>
    [Fact]
    public void A_mapping_may_arrive_in_pieces() =>
        Gen.Select(Gen.ULong, Gen.Byte.Array[1, 300], Gen.Int[1, 41]).Sample(
            (number, data, piece) =>
            {
                uint sum = 0;
                for (int at = 0; at < data.Length; at += piece)
                {
                    ReadOnlySpan<byte> part = data.AsSpan(at, Math.Min(piece, data.Length - at));
                    sum = InternetChecksum.Combine(sum, InternetChecksum.Accumulate(part), at);
                }

                ushort expected = NaiveChecksum.Checksum(Drawn(number, 1, (ushort)data.Length, data));
                Assert.Equal(expected, DssChecksum.Compute(number, 1, (ushort)data.Length, sum));
            },
            iter: 5_000);

    [Fact]
    [Trait("Requirement", "123")]
    public void A_DATA_FIN_alone_covers_the_pseudo_header_only() => Gen.ULong.Sample(
        number => Assert.Equal(NaiveChecksum.Checksum(Drawn(number, 0, 1, [])), DssChecksum.Compute(number, 0, 1, 0)));

    private static byte[] Drawn(ulong number, uint subflow, ushort length, byte[] data)
    {
        var octets = new byte[16 + data.Length];
        BinaryPrimitives.WriteUInt64BigEndian(octets, number);
        BinaryPrimitives.WriteUInt32BigEndian(octets.AsSpan(8), subflow);
        BinaryPrimitives.WriteUInt16BigEndian(octets.AsSpan(12), length);
        data.CopyTo(octets, 16);
        return octets;
    }
}
