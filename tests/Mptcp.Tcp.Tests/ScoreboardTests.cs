using CsCheck;

namespace Mptcp.Tcp.Tests;

/// <summary>What the scoreboard finds by its lists is what looking at every range would find.</summary>
public class ScoreboardTests
{
    private const int Length = 10;

    private enum Step
    {
        Send,
        Sack,
        Acknowledge,
        Detect,
        Repeat,
        TakeBack,
        LoseAll,
        Split,
        Clear,
    }

    private static readonly Gen<(Step Step, int A, int B)> _step = Gen.Select(
        Gen.Frequency(
            (6, Gen.Const(Step.Send)),
            (6, Gen.Const(Step.Sack)),
            (1, Gen.Const(Step.Acknowledge)),
            (5, Gen.Const(Step.Detect)),
            (3, Gen.Const(Step.Repeat)),
            (1, Gen.Const(Step.TakeBack)),
            (1, Gen.Const(Step.LoseAll)),
            (1, Gen.Const(Step.Split)),
            (1, Gen.Const(Step.Clear))),
        Gen.Int[0, 200],
        Gen.Int[0, 60]);

    /// <summary>Else the late answer to an older repeat would show that the new recovery was for nothing.</summary>
    [Fact]
    public void Only_what_the_last_recovery_repeated_can_speak_of_it()
    {
        var scoreboard = new SendScoreboard();
        Instant now = new(Instant.Second);
        for (int i = 0; i < 3; i++)
        {
            scoreboard.Add(new SentRange { Start = 1 + i * Length, Length = Length }, now);
        }

        scoreboard.BeginRecovery();
        scoreboard.MarkRetransmitted(0, now);
        scoreboard.BeginRecovery();
        scoreboard.MarkRetransmitted(1, now);
        scoreboard.BeginAck(now, echo: null, minimumRoundTrip: 1);
        scoreboard.Acknowledge(1 + Length);
        Assert.Equal(0, scoreboard.TakeOutcome().Repeated);
        scoreboard.Acknowledge(1 + 2 * Length);
        Assert.Equal(1, scoreboard.TakeOutcome().Repeated);
    }

    [Fact]
    public void Losses_and_arrivals_are_those_that_looking_at_every_range_finds() => _step.Array[1, 120].Sample(steps =>
    {
        var scoreboard = new SendScoreboard();
        long una = 1;
        long next = 1;
        Instant now = new(Instant.Second);
        foreach ((Step step, int a, int b) in steps)
        {
            now += a % 7;
            scoreboard.BeginAck(now, echo: null, minimumRoundTrip: 1);
            switch (step)
            {
                case Step.Send:
                    scoreboard.Add(new SentRange { Start = next, Length = Length }, now);
                    next += Length;
                    break;
                case Step.Sack:
                    CheckSack(scoreboard, Math.Min(una + a, next), Math.Min(una + a + b, next));
                    break;
                case Step.Acknowledge:
                    una = Math.Min(una + b, next);
                    scoreboard.Acknowledge(una);
                    break;
                case Step.Detect:
                    CheckLosses(scoreboard, now, window: b % 9);
                    break;
                case Step.Repeat when scoreboard.FirstLost() is >= 0 and int index:
                    scoreboard.MarkRetransmitted(index, now);
                    break;
                case Step.TakeBack:
                    scoreboard.UnmarkLost();
                    break;
                case Step.LoseAll:
                    scoreboard.MarkAllLost();
                    break;
                case Step.Split when scoreboard.FirstLost() is >= 0 and int index && scoreboard[index].Length > 1:
                    scoreboard.Split(index, scoreboard[index].Length / 2);
                    break;
                case Step.Clear:
                    scoreboard.Clear();
                    una = next;
                    break;
            }

            Assert.Equal(Ranges(scoreboard).Where(range => range.InFlight).Sum(range => range.SequenceLength), scoreboard.BytesInFlight);
            Assert.Equal(Ranges(scoreboard).Count(range => range.Sacked), scoreboard.SackedRanges);
            Assert.Equal(Ranges(scoreboard).FindIndex(range => range.Lost), scoreboard.FirstLost());
        }
    });

    private static void CheckSack(SendScoreboard scoreboard, long left, long right)
    {
        bool[] expected = [.. Ranges(scoreboard).Select(range => range.Sacked || (range.Start >= left && range.End <= right))];
        scoreboard.MarkSacked(left, right);
        Assert.Equal(expected, Ranges(scoreboard).Select(range => range.Sacked));
    }

    private static void CheckLosses(SendScoreboard scoreboard, Instant now, long window)
    {
        long Remaining(SentRange range) => range.SentAt + scoreboard.Rack.RoundTrip + window - now;
        bool IsSuspect(SentRange range) => range.InFlight && range.Order < scoreboard.Rack.Order;
        List<SentRange> suspects = Ranges(scoreboard).FindAll(IsSuspect);
        bool[] expected = [.. Ranges(scoreboard).Select(range => range.Lost || (IsSuspect(range) && Remaining(range) <= 0))];
        long expectedWait = suspects.Select(Remaining).Append(0).Max();
        bool anyExpected = suspects.Exists(range => Remaining(range) <= 0);
        bool found = scoreboard.DetectLosses(now, window, out long wait);
        Assert.Equal(anyExpected, found);
        Assert.Equal(expectedWait, wait);
        Assert.Equal(expected, Ranges(scoreboard).Select(range => range.Lost));
    }

    private static List<SentRange> Ranges(SendScoreboard scoreboard) =>
        [.. Enumerable.Range(0, scoreboard.Count).Select(i => scoreboard[i])];
}
