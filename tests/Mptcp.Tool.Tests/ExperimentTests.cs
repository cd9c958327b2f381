using Mptcp.Tool.Experiments;
using Mptcp.Tool.Simulate;

namespace Mptcp.Tool.Tests;

/// <summary>Experiment files, their runs and their report.</summary>
public sealed class ExperimentTests
{
    private const string Text =
        """
        [experiment]
        title = "Two paths"
        algorithms = ["lia", "reno"]
        hosts = ["m"]
        warm-up = "5 s"
        measure = "20 s"
        seeds = 2

        [[results]]
        name = "capacity used"
        utilisation = ["one", "two"]
        expect = { lia = [1.0, 0.8, 1.0], reno = [1.0, 2.0, 3.0] }

        [[results]]
        name = "fairness"
        jain = ["m*"]

        [hosts]
        m = {}
        s = {}

        [paths]
        one = { between = ["m", "s"], rate = "4 Mbit/s", delay = "10 ms" }
        two = { between = ["m", "s"], rate = "2 Mbit/s", delay = "20 ms" }

        [[flows]]
        name = "m"
        from = "m"
        to = "s"
        duration = "10 min"
        subflows = [["one", "one"], ["two", "two"]]
        """;

    [Fact]
    public void All_that_come_with_the_command_can_be_read()
    {
        List<Experiment> experiments = ExperimentCatalog.Load([]);
        Assert.InRange(experiments.Count, 10, 100);
        Assert.All(experiments, experiment => Assert.InRange(experiment.Seeds, 3, 10));
    }

    [Theory]
    [InlineData("\"lia\"", "\"vegas\"", 3, "there is no 'vegas' among algorithms; expected a list of cubic, reno, bbr, lia, lia-threshold, lia-interval, olia, balia, wvegas, ewtcp or coupled")]
    [InlineData("[\"lia\", \"reno\"]", "[]", 3, "algorithms is empty; expected a list of cubic, reno, bbr, lia, lia-threshold, lia-interval, olia, balia, wvegas, ewtcp or coupled")]
    [InlineData("algorithms = [\"lia\", \"reno\"]", "rules = [\"lia\"]", 1, "it is not said what is varied; expected one of algorithms, schedulers, path-managers, receive-buffers")]
    [InlineData("algorithms = [\"lia\", \"reno\"]", "schedulers = [\"fastest\"]", 3, "there is no 'fastest' among schedulers; expected a list of default, lowest-rtt, round-robin (or round-robin:3,1 with a weight for each path), redundant, blest, ecf, backup-only or latency:50 (milliseconds)")]
    [InlineData("algorithms = [\"lia\", \"reno\"]", "receive-buffers = [\"much\"]", 3, "there is no 'much' among receive-buffers; expected a list of sizes such as \"200 kB\"")]
    [InlineData("utilisation = [\"one\", \"two\"]", "latency = [\"m\"]", 11, "result 'capacity used' asks for the latency of a flow without messages; expected flows with every")]
    [InlineData("hosts = [\"m\"]", "hosts = [\"q\"]", 4, "there is no host 'q'; expected a list of names of m, s")]
    [InlineData("seeds = 2", "seeds = 0", 7, "seeds is 0; expected a whole number of 1 to 100")]
    [InlineData("seeds = 2", "sedes = 2", 7, "experiment has an unknown key 'sedes'; expected one of algorithms, schedulers, path-managers, receive-buffers, title, about, hosts, warm-up, measure, seeds")]
    [InlineData("utilisation = [\"one\", \"two\"]", "utilisation = [\"three\"]", 11, "there is no path 'three'; expected a list of names of one, two")]
    [InlineData("utilisation", "use", 9, "result 'capacity used' is not one figure; expected one of goodput, jain, loss, utilisation, swing, flips, together, stall, latency")]
    [InlineData("[1.0, 0.8, 1.0]", "[1.0, 0.8]", 12, "lia has 2 numbers, or no range; expected a reference, or a reference, the least and the most, such as [1.0, 0.9, 1.2]")]
    [InlineData("lia = [1.0", "olia = [1.0", 12, "expect has an unknown key 'olia'; expected one of lia, reno")]
    [InlineData("4 Mbit/s", "-4 Mbit/s", 23, "rate '-4 Mbit/s' is negative; expected a rate such as \"30 Mbit/s\"")]
    [InlineData("[\"two\", \"two\"]", "[\"two\", \"one\"]", 26, "flow 'm' has no route from 'm' to 's'; expected paths that lead there")]
    [InlineData("[\"two\", \"two\"]", "[\"two\"]", 31, "subflows holds something else; expected a list such as [[\"wifi\", \"home\"], [\"lte\", \"home\"]]: a path of the sender and one of the receiver")]
    [InlineData("[\"two\", \"two\"]", "[\"two\", \"3\"]", 31, "'s' has no path '3'; expected one of one, two")]
    [InlineData("[experiment]", "[experiments]", 1, "there is no experiment; expected a table [experiment]")]
    public void A_mistake_has_a_line_and_what_is_expected(string before, string after, int line, string message)
    {
        ScenarioException mistake = Assert.Throws<ScenarioException>(() =>
        {
            Experiment experiment = ExperimentReader.Read("test", Text.Replace(before, after, StringComparison.Ordinal), "");
            _ = new ScenarioRun(experiment.Scenario);
        });
        Assert.Equal((line, message), (mistake.Line, mistake.Message));
    }

    [Fact]
    public void A_run_is_the_same_each_time_and_another_with_another_seed()
    {
        string early = Text.Replace("warm-up = \"5 s\"", "warm-up = \"1 s\"", StringComparison.Ordinal);
        Experiment experiment = ExperimentReader.Read("test", early, "");
        double[] first = ExperimentRun.Run(experiment, "lia", 1, keepsSeries: false, CancellationToken.None).Values;
        double[] again = ExperimentRun.Run(experiment, "lia", 1, keepsSeries: true, CancellationToken.None).Values;
        double[] other = ExperimentRun.Run(experiment, "lia", 2, keepsSeries: false, CancellationToken.None).Values;
        Assert.Equal(first, again);
        Assert.NotEqual(first, other);
        Assert.InRange(first[0], 0.7, 1.0);
        Assert.Equal(1, first[1], 6);
    }

    [Fact]
    public void A_report_has_each_figure_its_verdict_and_plots()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            List<Outcome> outcomes = LabRun.Run([ExperimentReader.Read("test", Text, "")], CancellationToken.None);
            LabReport.Write(outcomes, folder);
            CheckReport(outcomes[0], folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void CheckReport(Outcome outcome, string folder)
    {
        Assert.False(outcome.IsReproduced);
        string markdown = File.ReadAllText(Path.Combine(folder, "report.md"));
        Assert.Contains("1 of 2 figures with bounds are within them", markdown, StringComparison.Ordinal);
        Assert.Matches(@"\| capacity used \| lia \| 0\.\d+ ± 0[.\d]* \| 1 \| 0\.8 to 1 \| pass \|", markdown);
        Assert.Matches(@"\| capacity used \| reno \| 0\.\d+ ± 0[.\d]* \| 1 \| 2 to 3 \| FAIL \|", markdown);
        string[] plots = [.. Directory.GetFiles(Path.Combine(folder, "plots")).Select(plot => Path.GetFileName(plot)!)];
        Assert.Equal(12, plots.Length);
        Assert.Contains("test-lia-windows.svg", plots);
        Assert.All(Directory.GetFiles(Path.Combine(folder, "plots")), plot => Assert.InRange(new FileInfo(plot).Length, 2000, 1_000_000));
    }

    /// <summary>Table K; the figure itself, and its bounds, are the report's to tell.</summary>
    [Fact]
    public void Eight_subflows_fill_a_fat_tree_that_one_leaves_half_empty()
    {
        if (Environment.GetEnvironmentVariable("MPTCP_TEST_ALL") != "1")
            Assert.Skip("needs MPTCP_TEST_ALL=1 (./test --all): takes two minutes");
        Experiment experiment = ExperimentReader.Read(FatTree.Name, FatTree.Text(), "");
        double[] goodputs = [.. experiment.Variants.AsParallel().AsOrdered().Select(variant =>
            ExperimentRun.Run(experiment, variant, seed: 1, keepsSeries: false, TestContext.Current.CancellationToken).Values[0])];
        Assert.InRange(goodputs[0], 40, 55);
        Assert.InRange(goodputs[1], 78, 95.2);
    }
}
