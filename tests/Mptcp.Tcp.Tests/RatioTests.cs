using CsCheck;

namespace Mptcp.Tcp.Tests;

/// <summary>Ratios are those of numbers without a size.</summary>
public class RatioTests
{
    private static readonly Gen<long> _any = Gen.OneOf(Gen.Long[0, 1000], Gen.Long[0, 1L << 40]);

    [Fact]
    public void Are_exact_whatever_the_size_of_the_product() => Gen.Select(_any, _any, Gen.Long[1, 1L << 40]).Sample(
        (value, numerator, denominator) =>
        {
            var expected = new System.Numerics.BigInteger(value) * numerator / denominator;
            if (expected <= long.MaxValue)
            {
                Assert.Equal((long)expected, Ratio.Of(value, numerator, denominator));
            }
        });
}
