using System.Diagnostics;
using Mptcp.Lab;

namespace Mptcp.Bench;

/// <summary>What the paths had carried, and what had arrived, at one moment.</summary>
/// <param name="Seconds">Since the connection was there.</param>
/// <param name="Paths">Bytes of packets that each path has delivered to the server.</param>
/// <param name="Received">Bytes of the stream.</param>
/// <param name="LongestGap">The longest time without a byte until then.</param>
internal readonly record struct Sample(double Seconds, long[] Paths, long Received, TimeSpan LongestGap);

/// <summary>A run: its figures, and ten samples each second.</summary>
/// <param name="Megabits">The goodput in Mbit/s.</param>
/// <param name="LongestGap">The longest time without a byte.</param>
/// <param name="Samples">In the order of time.</param>
internal sealed record RunRecord(double Megabits, TimeSpan LongestGap, IReadOnlyList<Sample> Samples)
{
    // Ten packets in a tenth of a second are no probes.
    private const long InUse = 15_000;

    /// <summary>A figure; not a number where it cannot be told.</summary>
    public double Of(Scenario scenario) => scenario.Figure switch
    {
        Figure.SecondShare => 100.0 * Samples[^1].Paths[1] / Samples[^1].Paths.Sum(),
        Figure.AfterHeal => (LongestGap - (scenario.HealAfter!.Value - scenario.CutAfter!.Value)).TotalMilliseconds,
        Figure.BackInUse => BackInUse(scenario.KillAfter!.Value.TotalSeconds),
        Figure.HealedShare => Share(scenario.HealAfter!.Value.TotalSeconds + 2, scenario.HealAfter!.Value.TotalSeconds + 4),
        _ => LongestGap.TotalMilliseconds,
    };

    private double BackInUse(double killed)
    {
        // What was on its way arrives in the first tenth of a second.
        for (int i = 1; i < Samples.Count; i++)
        {
            if (Samples[i - 1].Seconds > killed + 0.1 && Samples[i].Paths[0] - Samples[i - 1].Paths[0] >= InUse)
            {
                return (Samples[i].Seconds - killed) * 1000;
            }
        }

        return double.NaN;
    }

    private double Share(double from, double to)
    {
        Sample[] within = [.. Samples.Where(sample => sample.Seconds >= from && sample.Seconds <= to)];
        if (within.Length < 2)
        {
            return double.NaN;
        }

        long first = within[^1].Paths[0] - within[0].Paths[0];
        return 100.0 * first / Math.Max(1, within[^1].Paths.Sum() - within[0].Paths.Sum());
    }
}

/// <summary>Takes the samples of a run.</summary>
internal sealed class RunRecorder : IDisposable
{
    private readonly TwoPathLab _lab;
    private readonly StreamMeter _meter;
    private readonly List<Sample> _samples = [];
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly Timer _timer;

    public RunRecorder(TwoPathLab lab, StreamMeter meter)
    {
        (_lab, _meter) = (lab, meter);
        _timer = new Timer(_ => Take(), null, TimeSpan.Zero, TimeSpan.FromMilliseconds(100));
    }

    /// <param name="duration">What of the run counts; null for all of it.</param>
    public RunRecord Finish(TimeSpan? duration)
    {
        Dispose();
        Take();
        lock (_samples)
        {
            if (duration is { } time)
            {
                Sample[] counted = [.. _samples.Where(sample => sample.Seconds <= time.TotalSeconds)];
                return new RunRecord(counted[^1].Received * 8e-6 / counted[^1].Seconds, counted[^1].LongestGap, counted);
            }

            return new RunRecord(_meter.MegabitsPerSecond, _meter.LongestGap, [.. _samples]);
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Take()
    {
        var sample = new Sample(
            Stopwatch.GetElapsedTime(_start).TotalSeconds,
            [.. _lab.Emulator.Paths.Select(path => path.Forward.Delivered.Bytes)],
            _meter.Bytes,
            _meter.LongestGap);
        lock (_samples)
        {
            _samples.Add(sample);
        }
    }
}
