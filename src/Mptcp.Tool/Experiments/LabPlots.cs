using Mptcp.Tcp;
using ScottPlot;

namespace Mptcp.Tool.Experiments;

/// <summary>The plots of an experiment, each as SVG and PNG.</summary>
internal static class LabPlots
{
    private const int Width = 640;
    private const int Height = 400;

    // More lines than that in one picture say nothing.
    private const int MostLines = 6;

    // A sawtooth and its neighbour, so that shares are seen and not packets.
    private const int Smoothing = 5;

    /// <summary>Draws them; returns their names without the end.</summary>
    public static IReadOnlyList<string> Write(Outcome outcome, string folder)
    {
        var names = new List<string>();
        for (int result = 0; result < outcome.Experiment.Results.Count; result++)
            names.Add(Save(Figure(outcome, result), folder, $"{outcome.Experiment.Name}-figure-{result + 1}"));
        for (int algorithm = 0; algorithm < outcome.Experiment.Variants.Count; algorithm++)
        {
            string name = $"{outcome.Experiment.Name}-{outcome.Experiment.Variants[algorithm]}";
            names.Add(Save(Rates(outcome, algorithm), folder, $"{name}-rates"));
            names.Add(Save(Windows(outcome, algorithm), folder, $"{name}-windows"));
        }

        return names;
    }

    private static string Save(Plot plot, string folder, string name)
    {
        plot.SavePng(Path.Combine(folder, $"{name}.png"), Width, Height);
        plot.SaveSvg(Path.Combine(folder, $"{name}.svg"), Width, Height);
        return name;
    }

    /// <summary>A bar for each algorithm, its spread, the reference as a diamond, the bounds as a shade.</summary>
    private static Plot Figure(Outcome outcome, int result)
    {
        var plot = new Plot();
        int count = outcome.Experiment.Variants.Count;
        for (int algorithm = 0; algorithm < count; algorithm++)
        {
            double mean = outcome.Mean(result, algorithm);
            if (outcome.Expected(result, algorithm) is { Judges: true } bounds)
            {
                // The shade of an open bound ends at what is shown.
                double top = double.IsInfinity(bounds.Most) ? Math.Max(mean, bounds.Least) * 1.1 : bounds.Most;
                ScottPlot.Plottables.Rectangle shade = plot.Add.Rectangle(algorithm - 0.45, algorithm + 0.45, Math.Max(bounds.Least, 0), top);
                shade.FillColor = Colors.Green.WithAlpha(0.15);
                shade.LineWidth = 0;
            }

            ScottPlot.Plottables.BarPlot bar = plot.Add.Bar(algorithm, mean);
            bar.Bars[0].Size = 0.5;
            bar.Bars[0].Error = outcome.Deviation(result, algorithm);
            bar.Bars[0].FillColor = outcome.Verdict(result, algorithm) == false ? Colors.IndianRed : Colors.SteelBlue;
            if (outcome.Expected(result, algorithm) is { } expected)
                plot.Add.Marker(algorithm, expected.Reference, MarkerShape.FilledDiamond, 10, Colors.Black);
        }

        plot.Axes.Bottom.SetTicks([.. Enumerable.Range(0, count).Select(i => (double)i)], [.. outcome.Experiment.Variants]);
        plot.Axes.AutoScale();
        plot.Axes.SetLimits(-0.6, count - 0.4, 0, plot.Axes.GetLimits().Top * 1.05);
        plot.Title(outcome.Experiment.Results[result].Name);
        return plot;
    }

    private static Plot Rates(Outcome outcome, int algorithm)
    {
        var plot = new Plot();
        foreach (IGrouping<int, SeriesPoint> flow in outcome.Series(algorithm).GroupBy(point => point.Flow).Take(MostLines))
        {
            SeriesPoint[] points = [.. flow];
            double[] rates = [.. points.Select((_, i) => points[Math.Max(0, i - Smoothing)..(i + 1)].Average(point => point.Bytes * 8e-6))];
            AddLine(plot, outcome.Experiment.Scenario.Flows[flow.Key].Name, points, rates);
        }

        return Finish(plot, $"{outcome.Experiment.Variants[algorithm]}: goodput, Mbit/s");
    }

    private static Plot Windows(Outcome outcome, int algorithm)
    {
        var plot = new Plot();
        SeriesPoint[] points = [.. outcome.Series(algorithm).Where(point => point.Flow == 0 && point.Subflows.Count > 0)];
        foreach (int subflow in points.SelectMany(point => point.Subflows).Select(info => info.Number).Distinct().Take(MostLines))
        {
            SeriesPoint[] own = [.. points.Where(point => point.Subflows.Any(info => info.Number == subflow))];
            AddLine(plot, $"subflow {subflow}", own, [.. own.Select(point => point.Subflows.First(info => info.Number == subflow).CongestionWindow / 1000.0)]);
        }

        string flow = outcome.Experiment.Scenario.Flows[0].Name;
        return Finish(plot, $"{outcome.Experiment.Variants[algorithm]}: windows of {flow}, kB");
    }

    private static void AddLine(Plot plot, string name, SeriesPoint[] points, double[] values)
    {
        ScottPlot.Plottables.Scatter line = plot.Add.ScatterLine([.. points.Select(point => (double)point.At / Instant.Second)], values);
        line.LegendText = name;
        line.LineWidth = 1.5f;
    }

    private static Plot Finish(Plot plot, string title)
    {
        plot.Title(title);
        plot.XLabel("seconds");
        plot.Axes.AutoScale();
        plot.Axes.SetLimitsY(0, plot.Axes.GetLimits().Top * 1.1);
        plot.ShowLegend(Alignment.UpperRight);
        return plot;
    }
}
