namespace Mptcp.Simulation;

/// <summary>
/// What a middlebox does to a stream: at <see cref="First"/>, and then after each <see cref="Period"/> bytes, up to
/// <see cref="Count"/> times, <see cref="Removed"/> bytes give way to <see cref="Inserted"/> others. It depends on places
/// in the stream alone, so that a repeat in other segments is changed the same way. Offsets count from 0.
/// </summary>
internal sealed record StreamEdit
{
    /// <summary>The first byte that is changed.</summary>
    public required int First { get; init; }

    /// <summary>From one change to the next, in bytes; more than <see cref="Removed"/>.</summary>
    public int Period { get; init; } = int.MaxValue;

    /// <summary>How many changes.</summary>
    public int Count { get; init; } = 1;

    /// <summary>Bytes that go.</summary>
    public int Removed { get; init; } = 1;

    /// <summary>Bytes that come.</summary>
    public int Inserted { get; init; } = 1;

    /// <summary>How many bytes come out for those before <paramref name="offset"/>.</summary>
    public long Out(long offset)
    {
        if (offset <= First)
        {
            return offset;
        }

        long before = Math.Min(Count, (offset - 1 - First) / Period + 1);
        long last = First + (before - 1) * Period;
        return offset + (before - 1) * (Inserted - Removed) + Inserted - Math.Min(Removed, offset - last);
    }

    /// <summary>The most input of which everything has come out within the first <paramref name="offset"/> bytes.</summary>
    public long In(long offset)
    {
        (long low, long high) = (Math.Min(offset, First), offset + (long)Removed * Count + 1);
        while (high - low > 1)
        {
            long middle = low + (high - low) / 2;
            if (Out(middle) <= offset)
            {
                low = middle;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>Writes what comes out for some of the stream; returns how much that is.</summary>
    /// <param name="offset">Where <paramref name="input"/> begins in the stream.</param>
    /// <param name="input">A part of the stream.</param>
    /// <param name="output">Room for it and for what is inserted.</param>
    public int Apply(long offset, ReadOnlySpan<byte> input, Span<byte> output)
    {
        int length = 0;
        for (int i = 0; i < input.Length; i++)
        {
            long after = offset + i - First;
            long within = after < 0 || after / Period >= Count ? long.MaxValue : after % Period;
            if (within == 0)
            {
                for (int j = 0; j < Inserted; j++)
                {
                    output[length++] = (byte)(~input[i] + j);
                }
            }

            if (within >= Removed)
            {
                output[length++] = input[i];
            }
        }

        return length;
    }
}
