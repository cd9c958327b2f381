using CsCheck;
using Xunit;

namespace Mptcp.Multipath.Tests;

[Trait("Requirement", "106")]
[Trait("Requirement", "108")]
public class DataSequenceSpaceTests
{
    private static readonly Gen<ulong> _initial = Gen.OneOf(
        Gen.ULong, Gen.ULong[ulong.MaxValue - 10_000, ulong.MaxValue], Gen.ULong[uint.MaxValue - 10_000L, uint.MaxValue]);

    [Fact]
    public void A_64_bit_number_reads_back_as_its_offset_also_across_the_wrap() =>
        Gen.Select(_initial, Gen.Long[0, long.MaxValue / 2]).Sample((initial, offset) =>
        {
            var space = new DataSequenceSpace(initial);
            return space.FromWire64(space.ToWire64(offset)) == offset;
        });

    [Fact]
    public void A_32_bit_number_is_promoted_to_the_nearest_offset() =>
        Gen.Select(_initial, Gen.Long[0, 1L << 48], Gen.Int[-(1 << 30), 1 << 30]).Sample((initial, near, distance) =>
        {
            var space = new DataSequenceSpace(initial);
            return space.FromWire32(space.ToWire32(near + distance), near) == near + distance;
        });
}
