using CsCheck;
using Mptcp.Wire;

namespace Mptcp.Tcp.Tests;

/// <summary>The receiver's ranges against a model of themselves: a set of numbers, and the order of arrival.</summary>
public sealed class ReceiveRangesTests
{
    [Fact]
    public void They_are_what_a_set_of_numbers_is() => Gen.Select(Gen.Long[2, 60], Gen.Long[1, 6]).List[1, 60].Sample(segments =>
    {
        var ranges = new ReceiveRanges();
        var model = new SortedSet<long>();
        long next = 1;
        foreach ((long left, long length) in segments)
        {
            if (left <= next)
            {
                continue;
            }

            (long Left, long Right) known = ranges.FirstOverlap(left, left + length);
            Assert.Equal(Enumerable.Range((int)left, (int)length).Any(n => model.Contains(n)), known.Right > known.Left);
            Assert.True(ranges.Add(left, left + length));
            model.UnionWith(Enumerable.Range((int)left, (int)length).Select(n => (long)n));
            Check(ranges, model, left);
        }

        // What fills the first hole takes along all that follows it without one.
        next = model.Count == 0 ? next : model.Min;
        long expected = next;
        while (model.Remove(expected))
        {
            expected++;
        }

        Assert.Equal(expected, ranges.Advance(next));
        Check(ranges, model, latest: 0);
    });

    [Fact]
    public void Two_thousand_holes_are_remembered_and_no_more()
    {
        var ranges = new ReceiveRanges();
        for (int i = 0; i < 2048; i++)
        {
            Assert.True(ranges.Add(10 + 2 * i, 11 + 2 * i));
        }

        Assert.False(ranges.Add(10_000, 10_001));
        Assert.True(ranges.Add(11, 12));
        Assert.Equal(2047, ranges.Count);
        Assert.InRange(ranges.Memory, 1, 40_000);
    }

    private static void Check(ReceiveRanges ranges, SortedSet<long> model, long latest)
    {
        var islands = model.Where(n => !model.Contains(n - 1)).ToDictionary(
            left => left, left => left + model.Where(n => n >= left).TakeWhile((n, i) => n == left + i).Count());
        Assert.Equal(islands.Count, ranges.Count);
        Span<SackBlock> room = new SackBlock[4];
        ReadOnlySpan<SackBlock> blocks = room[..ranges.CopyTo(room, origin: 0)];
        Assert.Equal(Math.Min(4, islands.Count), blocks.Length);
        foreach (SackBlock block in blocks)
        {
            Assert.Equal(islands[block.Left], block.Right);
        }

        Assert.Equal(blocks.Length, blocks.ToArray().Distinct().Count());
        Assert.True(latest == 0 || (blocks[0].Left <= latest && latest < blocks[0].Right));
    }
}
