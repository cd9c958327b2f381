using CsCheck;
using Xunit;

namespace Mptcp.Multipath.Tests;

/// <summary>Ranges, mappings and reassembly against the simplest models of themselves.</summary>
public sealed class ReassemblyTests
{
    private const int Space = 200;
    private static readonly Gen<(int Left, int Length)[]> _pieces =
        Gen.Select(Gen.Int[1, Space - 1], Gen.Int[1, 40]).Array[1, 60];

    [Fact]
    public void An_interval_set_is_a_set_of_numbers() => _pieces.Sample(pieces =>
    {
        var set = new IntervalSet();
        var model = new HashSet<int>();
        foreach ((int left, int length) in pieces)
        {
            set.Add(left, left + length);
            model.UnionWith(Enumerable.Range(left, length));
            Assert.Equal(model.Contains(left - 1), set.Contains(left - 1, left));
            Assert.Equal(Enumerable.Range(left, length + 1).All(model.Contains), set.Contains(left, left + length + 1));
        }

        int next = 1;
        while (model.Contains(next))
        {
            next++;
        }

        Assert.Equal(next, set.Advance(1));
    });

    [Fact]
    public void Pieces_in_any_order_give_the_stream() => Gen.Select(_pieces, Gen.Int[1, 64]).Sample((pieces, readSize) =>
    {
        var queue = Queue(64);
        var got = new List<byte>();
        var buffer = new byte[readSize];
        long edge = queue.Next + queue.Window;

        // Random pieces first, then everything in order as a sender repeats it: the stream must come out either way.
        IEnumerable<(int Left, int Length)> all = pieces.Concat(Enumerable.Range(0, Space / 10).Select(i => (1 + i * 10, 10)));
        foreach ((int left, int length) in all)
        {
            byte[] bytes = [.. Enumerable.Range(left, length).Select(At)];
            queue.Add(left, bytes);
            Assert.True(queue.Next + queue.Window >= edge, "the right edge moved back");
            edge = queue.Next + queue.Window;
            for (int count = queue.Read(buffer); count > 0; count = queue.Read(buffer))
            {
                got.AddRange(buffer.AsSpan(0, count));
            }
        }

        Assert.True(got.Count >= Space / 10 * 10);
        Assert.Equal(Enumerable.Range(1, got.Count).Select(At), got);
    });

    [Fact]
    public void Bytes_beyond_the_window_are_not_kept()
    {
        var queue = Queue(10);
        queue.Add(1, new byte[25]);
        Assert.Equal(10, queue.Readable);
        Assert.Equal(0, queue.Window);
        queue.Add(12, new byte[5]);
        Assert.Equal(10, queue.Read(new byte[20]));
        Assert.Equal(11, queue.Next);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Requirement", "124")]
    public void The_DATA_FIN_counts_when_everything_before_it_is_there(bool finFirst)
    {
        var queue = Queue(100);
        if (finFirst)
        {
            queue.HandleFin(11);
            Assert.False(queue.Finished);
        }

        queue.Add(1, new byte[10]);
        if (!finFirst)
        {
            Assert.Equal(11, queue.Next);
            queue.HandleFin(11);
        }

        Assert.True(queue.Finished);
        Assert.Equal(12, queue.Next);
        queue.HandleFin(9);
        Assert.Equal(12, queue.Next);
    }

    [Fact]
    public void What_arrived_first_is_what_is_read()
    {
        var queue = Queue(100);
        queue.Add(6, "world"u8);
        queue.Add(6, "WORLD"u8);
        queue.Add(1, "hello"u8);
        var bytes = new byte[10];
        Assert.Equal(10, queue.Read(bytes));
        Assert.Equal("helloworld"u8.ToArray(), bytes);
    }

    [Fact]
    public void Mappings_may_repeat_split_and_merge_but_not_contradict()
    {
        var mappings = new ReceiveMappings();
        Assert.Equal(MappingOutcome.Added, mappings.Add(Mapping(101, 1001, 100)));
        Assert.Equal(MappingOutcome.Repeated, mappings.Add(Mapping(101, 1001, 100)));
        Assert.Equal(MappingOutcome.Repeated, mappings.Add(Mapping(151, 1051, 50)));
        Assert.Equal(MappingOutcome.Added, mappings.Add(Mapping(101, 1001, 200)));
        Assert.Equal(MappingOutcome.Contradiction, mappings.Add(Mapping(150, 1051, 10)));
        mappings.Advance(201);
        Assert.Equal(MappingOutcome.Past, mappings.Add(Mapping(101, 1001, 100)));
        Assert.Equal(-1, mappings.Find(301));
        Assert.Equal(1001, mappings[mappings.Find(300)].DataOffset);
    }

    [Fact]
    public void Mappings_are_what_a_list_that_is_searched_would_be() =>
        Gen.Select(Gen.Int[1, 60], Gen.Int[1, 20], Gen.Int[0, 9]).Array[1, 60].Sample(steps =>
        {
            var mappings = new ReceiveMappings();
            var model = new List<ReceiveMapping>();
            int inOrder = 1;
            foreach ((int at, int length, int kind) in steps)
            {
                if (kind == 0)
                {
                    inOrder = Math.Max(inOrder, at);
                    mappings.Advance(inOrder);
                    model.RemoveAll(known => known.SubflowEnd <= inOrder);
                    continue;
                }

                ReceiveMapping mapping = Mapping(at, at + (kind == 1 ? 1000 : 2000), length);
                bool Overlaps(ReceiveMapping other) => other.SubflowOffset < at + length && at < other.SubflowEnd;
                bool Holds(ReceiveMapping other) => other.SubflowOffset <= at && at + length <= other.SubflowEnd;
                bool Agrees(ReceiveMapping other) => other.DataOffset - other.SubflowOffset == mapping.DataOffset - at;

                // The latest that overlaps decides.
                ReceiveMapping? decisive = model.AsEnumerable().Reverse()
                    .Where(other => Overlaps(other) && (!Agrees(other) || Holds(other))).Cast<ReceiveMapping?>().FirstOrDefault();
                MappingOutcome expected = at + length <= inOrder ? MappingOutcome.Past
                    : decisive is not { } found ? MappingOutcome.Added
                    : Agrees(found) ? MappingOutcome.Repeated : MappingOutcome.Contradiction;
                if (expected == MappingOutcome.Added)
                {
                    model.Add(mapping);
                }

                Assert.Equal(expected, mappings.Add(mapping));
                for (int byteAt = 1; byteAt < 90; byteAt++)
                {
                    int index = model.FindLastIndex(known => known.SubflowOffset <= byteAt && byteAt < known.SubflowEnd);
                    int got = mappings.Find(byteAt);
                    Assert.Equal(index < 0 ? -1 : model[index].DataOffset, got < 0 ? -1 : mappings[got].DataOffset);
                }
            }
        });

    [Fact]
    public void Sent_mappings_are_found_by_any_of_their_bytes() => Gen.Int[1, 50].Array[1, 100].Sample(lengths =>
    {
        var mappings = new SendMappings();
        long at = 1;
        var starts = new List<(long Start, int Length)>();
        foreach (int length in lengths)
        {
            mappings.Add(new SendMapping { SubflowOffset = at, DataOffset = at * 3, Length = length });
            starts.Add((at, length));
            at += length;
        }

        int removed = lengths.Length / 2;
        mappings.RemoveBelow(starts[removed].Start);
        Assert.Equal(lengths.Length - removed, mappings.Count);
        foreach ((long start, int length) in starts.Skip(removed))
        {
            Assert.Equal(start * 3, mappings[mappings.Find(start)].DataOffset);
            Assert.Equal(start * 3, mappings[mappings.Find(start + length - 1)].DataOffset);
        }

        Assert.Equal(-1, mappings.Find(at));
        Assert.Equal(removed == 0 ? 0 : -1, mappings.Find(1));
    });

    private static DataReceiveQueue Queue(int capacity) => new(new GrowingBuffer(capacity, new MemoryBudget(long.MaxValue)));

    private static ReceiveMapping Mapping(long subflow, long data, int length) =>
        new() { SubflowOffset = subflow, DataOffset = data, Length = length };

    private static byte At(int offset) => (byte)(offset * 7);
}
