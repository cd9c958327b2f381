using CsCheck;
using Xunit;

namespace Mptcp.Wire.Tests;

/// <summary>Arithmetic that wraps, with most of the numbers drawn near the wrap.</summary>
public class SequenceNumberTests
{
    private const long Half = 1L << 31;

    private static readonly Gen<uint> _near32 =
        Gen.OneOf(Gen.UInt, Gen.UInt[0, 4], Gen.UInt[uint.MaxValue - 4, uint.MaxValue], Gen.UInt[int.MaxValue - 4u, int.MaxValue + 4u]);

    private static readonly Gen<ulong> _near64 = Gen.Select(_near32, _near32).Select((high, low) => ((ulong)high << 32) | low);

    private static readonly Gen<long> _offset =
        Gen.OneOf(Gen.Long[-Half, Half - 1], Gen.Long[-3, 3], Gen.Long[Half - 3, Half - 1], Gen.Long[-Half, -Half + 3]);

    /// <summary>A distance comes back from its 32 bits as long as what is known is at most half the space away.</summary>
    [Fact]
    public void A_distance_comes_back_from_its_low_half() =>
        Gen.Select(_near32, _near64, _offset).Sample(
            (origin, start, offset) =>
            {
                long near = (long)(start >> 2);
                long distance = near + offset;
                uint wire = unchecked(origin + (uint)distance);
                Assert.Equal(distance, SequenceNumbers.Unwrap(wire, origin, near));
            },
            iter: 20_000);

    [Fact]
    public void The_reading_is_the_nearest_of_all() =>
        Gen.Select(_near32, _near32, _near64).Sample(
            (wire, origin, start) =>
            {
                long near = (long)(start >> 2);
                long distance = SequenceNumbers.Unwrap(wire, origin, near);
                Assert.InRange(distance - near, -Half, Half - 1);
                Assert.Equal(wire, unchecked(origin + (uint)distance));
            },
            iter: 20_000);

    /// <summary>RFC 8684 §3.3.1: the upper half follows a wrap of the lower one, forward and, for old segments, back.</summary>
    [Fact]
    [Trait("Requirement", "104")]
    [Trait("Requirement", "106")]
    [Trait("Requirement", "108")]
    public void A_data_sequence_number_comes_back_from_its_low_half() =>
        Gen.Select(_near64, _offset).Sample(
            (near, offset) =>
            {
                ulong number = unchecked(near + (ulong)offset);
                Assert.Equal(number, SequenceNumbers.Unwrap32((uint)number, near));
            },
            iter: 20_000);

    [Theory]
    [Trait("Requirement", "108")]
    [InlineData(0x0000_0001u, 0x0000_0007_ffff_fff0ul, 0x0000_0008_0000_0001ul)]
    [InlineData(0xffff_fff0u, 0x0000_0008_0000_0001ul, 0x0000_0007_ffff_fff0ul)]
    [InlineData(0x0000_0005u, 0xffff_ffff_ffff_fffful, 0x0000_0000_0000_0005ul)]
    [InlineData(0xffff_fffeu, 0x0000_0000_0000_0001ul, 0xffff_ffff_ffff_fffeul)]
    public void The_upper_half_is_counted_at_the_wrap(uint low, ulong near, ulong expected) =>
        Assert.Equal(expected, SequenceNumbers.Unwrap32(low, near));

    [Fact]
    public void Difference_undoes_addition_across_the_wrap()
    {
        Gen.Select(_near32, _offset).Sample(
            (number, offset) => Assert.Equal((int)offset, SequenceNumbers.Difference(unchecked(number + (uint)offset), number)),
            iter: 20_000);
        Gen.Select(_near64, Gen.Long).Sample(
            (number, offset) => Assert.Equal(offset, SequenceNumbers.Difference(unchecked(number + (ulong)offset), number)),
            iter: 20_000);
    }

    [Fact]
    public void Before_is_an_order_within_half_of_the_space()
    {
        Gen.Select(_near32, Gen.Long[1, Half - 1]).Sample(
            (number, ahead) =>
            {
                uint later = unchecked(number + (uint)ahead);
                Assert.True(SequenceNumbers.IsBefore(number, later));
                Assert.False(SequenceNumbers.IsBefore(later, number));
                Assert.False(SequenceNumbers.IsBefore(number, number));
            },
            iter: 20_000);
        Gen.Select(_near64, Gen.Long[1, long.MaxValue]).Sample(
            (number, ahead) =>
            {
                ulong later = unchecked(number + (ulong)ahead);
                Assert.True(SequenceNumbers.IsBefore(number, later));
                Assert.False(SequenceNumbers.IsBefore(later, number));
                Assert.False(SequenceNumbers.IsBefore(number, number));
            },
            iter: 20_000);
    }
}
