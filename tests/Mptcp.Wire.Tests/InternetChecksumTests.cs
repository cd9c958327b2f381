using System.Buffers.Binary;
using CsCheck;
using Xunit;

namespace Mptcp.Wire.Tests;

/// <summary>The fast checksum is the one of RFC 1071, in any pieces.</summary>
public class InternetChecksumTests
{
    private static readonly Gen<byte> _byte = Gen.OneOf(Gen.Byte, Gen.Byte[0, 1], Gen.Byte[0xfe, 0xff]);

    private static readonly Gen<byte[]> _bytes = _byte.Array[0, 300];

    /// <summary>The example of RFC 1071 §3.</summary>
    [Fact]
    public void The_example_of_the_RFC() =>
        Assert.Equal(0xddf2u, InternetChecksum.Accumulate([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]));

    [Fact]
    public void The_sum_is_that_of_the_definition() => _bytes.Sample(
        bytes =>
        {
            uint sum = InternetChecksum.Accumulate(bytes);
            Assert.Equal(NaiveChecksum.Sum(bytes), sum);
            Assert.Equal(NaiveChecksum.Checksum(bytes), InternetChecksum.Finish(sum));
        },
        iter: 10_000);

    [Fact]
    public void The_largest_packet_of_all_ones_does_not_overflow()
    {
        var bytes = new byte[65_535];
        bytes.AsSpan().Fill(0xff);
        Assert.Equal(NaiveChecksum.Sum(bytes), InternetChecksum.Accumulate(bytes, uint.MaxValue));
    }

    [Fact]
    public void Pieces_join_at_any_offset_odd_ones_too() =>
        Gen.Select(_bytes, Gen.Double[0, 1], Gen.Double[0, 1]).Sample(
            (bytes, first, second) =>
            {
                int a = (int)(bytes.Length * Math.Min(first, second)), b = (int)(bytes.Length * Math.Max(first, second));
                uint sum = InternetChecksum.Accumulate(bytes.AsSpan(0, a));
                sum = InternetChecksum.Combine(sum, InternetChecksum.Accumulate(bytes.AsSpan(a, b - a)), a);
                sum = InternetChecksum.Combine(sum, InternetChecksum.Accumulate(bytes.AsSpan(b)), b);
                Assert.Equal(InternetChecksum.Accumulate(bytes), sum);
            },
            iter: 10_000);

    [Fact]
    public void Pieces_at_even_offsets_may_be_accumulated() =>
        Gen.Select(_bytes, Gen.Int[0, 150]).Sample(
            (bytes, half) =>
            {
                int split = Math.Min(2 * half, bytes.Length & ~1);
                uint sum = InternetChecksum.Accumulate(bytes.AsSpan(0, split));
                Assert.Equal(InternetChecksum.Accumulate(bytes), InternetChecksum.Accumulate(bytes.AsSpan(split), sum));
            },
            iter: 5_000);

    [Fact]
    public void Fields_count_like_their_octets() =>
        Gen.Select(Gen.UShort, Gen.UShort, Gen.UInt, Gen.ULong).Sample(
            (start, two, four, eight) =>
            {
                Span<byte> bytes = stackalloc byte[14];
                BinaryPrimitives.WriteUInt16BigEndian(bytes, two);
                BinaryPrimitives.WriteUInt32BigEndian(bytes[2..], four);
                BinaryPrimitives.WriteUInt64BigEndian(bytes[6..], eight);
                uint sum = InternetChecksum.AddUInt16(start, two);
                sum = InternetChecksum.AddUInt64(InternetChecksum.AddUInt32(sum, four), eight);
                Assert.Equal(InternetChecksum.Accumulate(bytes, start), sum);
            },
            iter: 10_000);

    [Fact]
    public void The_pseudo_header_is_that_of_its_family() =>
        Gen.Select(Gen.Bool, Gen.ULong, Gen.ULong, Gen.Int[0, 65_535]).Sample(
            (v4, one, other, length) =>
            {
                IpAddress from = v4 ? WireGen.ToV4((uint)one) : WireGen.ToV6(one, other);
                IpAddress to = v4 ? WireGen.ToV4((uint)other) : WireGen.ToV6(other, one);
                byte[] octets = NaiveChecksum.PseudoHeader(from, to, IpProtocol.Tcp, length);
                Assert.Equal(NaiveChecksum.Sum(octets), InternetChecksum.PseudoHeader(from, to, IpProtocol.Tcp, length));
            },
            iter: 10_000);

    [Fact]
    public void With_its_checksum_in_it_any_data_is_valid_and_with_one_bit_changed_it_is_not() =>
        _byte.Array[2, 64].Sample(
            bytes =>
            {
                bytes[0] = bytes[1] = 0;
                BinaryPrimitives.WriteUInt16BigEndian(bytes, InternetChecksum.Finish(InternetChecksum.Accumulate(bytes)));
                Assert.True(InternetChecksum.IsValid(InternetChecksum.Accumulate(bytes)));
                for (int bit = 0; bit < bytes.Length * 8; bit++)
                {
                    bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                    Assert.False(InternetChecksum.IsValid(InternetChecksum.Accumulate(bytes)));
                    bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                }
            },
            iter: 1_000);
}
