using System.Globalization;
using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>
/// A recorded link: points in time at which it can carry up to 1500 bytes each. Small packets share one, a packet that does
/// not fit goes on in the next, and what nobody uses is gone. The recording starts again at its last point. Immutable.
/// </summary>
public sealed class DeliveryTrace
{
    /// <summary>Bytes that one point in time carries.</summary>
    public const int BytesPerStamp = 1500;

    private readonly uint[] _stamps;

    private DeliveryTrace(uint[] stamps) => _stamps = stamps;

    /// <summary>Points in time in one round.</summary>
    public int Count => _stamps.Length;

    /// <summary>How long a round is, in milliseconds.</summary>
    public long PeriodMilliseconds => _stamps[^1];

    /// <summary>The mean rate in bits per second.</summary>
    public long BitsPerSecond => (long)Count * BytesPerStamp * 8 * 1000 / PeriodMilliseconds;

    /// <summary>Reads the text form: one point in milliseconds a line, none earlier than the one before.</summary>
    /// <param name="text">The text; blank lines and those that begin with '#' are passed over.</param>
    /// <param name="trace">The trace.</param>
    /// <param name="error">What is wrong and where; empty when nothing is.</param>
    public static bool TryParse(string text, out DeliveryTrace? trace, out string error)
    {
        ArgumentNullException.ThrowIfNull(text);
        (trace, error) = (null, "");
        var stamps = new List<uint>();
        int line = 0;
        foreach (ReadOnlySpan<char> raw in text.AsSpan().EnumerateLines())
        {
            line++;
            ReadOnlySpan<char> word = raw.Trim();
            if (word.IsEmpty || word[0] == '#')
            {
                continue;
            }

            if (!uint.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out uint stamp))
            {
                error = $"line {line}: '{word}' is not a time; expected whole milliseconds";
                return false;
            }

            if (stamps.Count > 0 && stamp < stamps[^1])
            {
                error = $"line {line}: {stamp} comes after {stamps[^1]}; expected times that do not go back";
                return false;
            }

            stamps.Add(stamp);
        }

        if (stamps.Count == 0 || stamps[^1] == 0)
        {
            error = $"line {Math.Max(line, 1)}: the trace has no duration; expected a last time above 0";
            return false;
        }

        trace = new DeliveryTrace([.. stamps]);
        return true;
    }

    /// <summary>Reads the text form.</summary>
    /// <exception cref="FormatException">Something is wrong with it.</exception>
    public static DeliveryTrace Parse(string text) =>
        TryParse(text, out DeliveryTrace? trace, out string error) ? trace! : throw new FormatException(error);

    /// <summary>The time of a point, counted through all rounds, in nanoseconds from the start.</summary>
    internal long TimeOf(long stamp)
    {
        (long round, long index) = Math.DivRem(stamp, _stamps.Length);
        return (round * PeriodMilliseconds + _stamps[index]) * Instant.Millisecond;
    }

    /// <summary>The first point that is not before a time.</summary>
    internal long FirstAt(long nanoseconds)
    {
        long milliseconds = (nanoseconds + Instant.Millisecond - 1) / Instant.Millisecond;
        (long round, long rest) = Math.DivRem(milliseconds, PeriodMilliseconds);

        // The end of a round is the beginning of the next, and the points of the end come first.
        if (rest == 0 && round > 0)
        {
            (round, rest) = (round - 1, PeriodMilliseconds);
        }

        int low = 0;
        for (int high = _stamps.Length - 1; low < high;)
        {
            int middle = (low + high) / 2;
            (low, high) = _stamps[middle] < rest ? (middle + 1, high) : (low, middle);
        }

        return round * _stamps.Length + low;
    }
}

/// <summary>Where one sender stands in a trace.</summary>
internal sealed class TraceCursor(DeliveryTrace trace)
{
    private long _stamp = -1;
    private int _left;

    /// <summary>When the last byte of a packet leaves, in nanoseconds from the start of the trace.</summary>
    /// <param name="now">When it may leave at the earliest, from the start as well; never goes back.</param>
    /// <param name="length">Its bytes.</param>
    public long Carry(long now, int length)
    {
        if (_stamp < 0 || trace.TimeOf(_stamp) < now)
        {
            (_stamp, _left) = (trace.FirstAt(now), DeliveryTrace.BytesPerStamp);
        }

        for (; length > _left; _left = DeliveryTrace.BytesPerStamp)
        {
            length -= _left;
            _stamp++;
        }

        _left -= length;
        return trace.TimeOf(_stamp);
    }
}
