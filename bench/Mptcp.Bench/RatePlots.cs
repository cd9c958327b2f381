using ScottPlot;

namespace Mptcp.Bench;

/// <summary>The rate of each path over time, of one run.</summary>
internal static class RatePlots
{
    private const int Width = 720;
    private const int Height = 360;

    public static void Write(string folder, Scenario scenario, string driver, RunRecord run)
    {
        using var plot = new Plot();
        for (int path = 0; path < scenario.Paths.Count; path++)
        {
            double[] times = [.. run.Samples.Skip(1).Select(sample => sample.Seconds)];
            double[] rates = [.. run.Samples.Skip(1).Select((sample, i) =>
                (sample.Paths[path] - run.Samples[i].Paths[path]) * 8e-6 / Math.Max(0.01, sample.Seconds - run.Samples[i].Seconds))];
            ScottPlot.Plottables.Scatter line = plot.Add.ScatterLine(times, rates);
            line.LegendText = $"path {path + 1}";
        }

        foreach (TimeSpan? moment in (TimeSpan?[])[scenario.CutAfter, scenario.HealAfter, scenario.KillAfter])
        {
            if (moment is { } time)
            {
                plot.Add.VerticalLine(time.TotalSeconds, 1, Colors.Gray, LinePattern.Dashed);
            }
        }

        plot.Title($"{scenario.Name}, {driver}: Mbit/s of packets");
        plot.XLabel("seconds");
        plot.Axes.AutoScale();
        plot.Axes.SetLimitsY(0, plot.Axes.GetLimits().Top * 1.1);
        plot.ShowLegend(Alignment.LowerRight);
        plot.SavePng(Path.Combine(folder, $"{scenario.Name}-{driver}.png"), Width, Height);
        plot.SaveSvg(Path.Combine(folder, $"{scenario.Name}-{driver}.svg"), Width, Height);
    }
}
