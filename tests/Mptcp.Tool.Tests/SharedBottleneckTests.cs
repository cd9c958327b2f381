using System.Globalization;
using Mptcp.Multipath;
using Mptcp.Tcp;
using Mptcp.Tool.Simulate;

namespace Mptcp.Tool.Tests;

/// <summary>Whether subflows at one bottleneck are found and held together, and others left alone, over whole networks.</summary>
public sealed class SharedBottleneckTests(ITestOutputHelper output)
{
    private static readonly bool _all = Environment.GetEnvironmentVariable("MPTCP_TEST_ALL") == "1";

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Subflows_at_one_bottleneck_are_together_as_one_TCP(int subflows)
    {
        ScenarioRun run = Start(Shared(subflows, coupling: 100));
        run.RunFor(60 * Instant.Second, TestContext.Current.CancellationToken);
        Assert.All(run.Flows[0].Subflows, subflow => Assert.Equal(0, subflow.Bottleneck));
        Assert.All(run.Flows[0].PathsAt(run.Network.Now), path => Assert.Matches("^carries data; at one bottleneck with subflow \\d \\(\\d+ %\\)", path.Why));
        Assert.InRange((double)run.Flows[0].Received / run.Flows[1].Received, 0.7, 1.2);
    }

    [Fact]
    public void Uncoupled_they_take_what_as_many_TCPs_would()
    {
        ScenarioRun run = Start(Shared(4, coupling: 0));
        run.RunFor(60 * Instant.Second, TestContext.Current.CancellationToken);
        Assert.InRange((double)run.Flows[0].Received / run.Flows[1].Received, 3, 5);
    }

    /// <summary>
    /// Two links that are the same, with nobody else on them, and subflows that begin together: some of them look like one queue,
    /// and would for as long as they keep step.
    /// </summary>
    [Fact]
    public void Twin_links_that_were_taken_for_one_are_let_go()
    {
        var together = new int[8];
        Parallel.For(0, together.Length, number =>
        {
            ScenarioRun run = Start(Twins(milliseconds: 10 + (5 * number)));
            for (int second = 0; second < 60; second++)
            {
                run.RunFor(Instant.Second, CancellationToken.None);
                together[number] += AreTogether(run) ? 1 : 0;
            }
        });
        Assert.InRange(together.Max(), 5, 25);
    }

    /// <summary>
    /// Random networks: half of them with two subflows at one bottleneck, half with two bottlenecks, a third of those twins;
    /// up to eight TCPs beside them. What is wrong is counted second by second, after the first ten.
    /// </summary>
    [Fact]
    public void False_joins_and_splits_are_rare()
    {
        int networks = _all ? 200 : 24;
        var wrong = new int[2];
        var seconds = new int[2];
        var found = new List<int>();
        object gate = new();
        Parallel.For(0, networks, number =>
        {
            bool shared = number % 2 == 0;
            ScenarioRun run = Start(RandomNetwork.Text(number, shared));
            (int mistakes, int first) = (0, 0);
            for (int second = 1; second <= 40; second++)
            {
                run.RunFor(Instant.Second, CancellationToken.None);
                bool together = AreTogether(run);
                mistakes += second > 10 && together != shared ? 1 : 0;
                first = first == 0 && together ? second : first;
            }

            lock (gate)
            {
                (wrong[number % 2], seconds[number % 2]) = (wrong[number % 2] + mistakes, seconds[number % 2] + 30);
                if (shared && first > 0)
                {
                    found.Add(first);
                }
            }
        });
        found.Sort();
        double splits = (double)wrong[0] / seconds[0];
        double joins = (double)wrong[1] / seconds[1];
        string text = string.Create(CultureInfo.InvariantCulture, $"of {networks} networks: apart in error {splits:P1} of the time, together in error {joins:P1}; found after {found[found.Count / 2]} s in the median");
        output.WriteLine(text);
        Assert.True(splits < 0.25 && joins < 0.05, text);
    }

    private static ScenarioRun Start(string scenario) => new(ScenarioReader.Read(scenario, ""));

    private static bool AreTogether(ScenarioRun run)
    {
        IReadOnlyList<SubflowInfo> subflows = run.Flows[0].Subflows;
        return subflows.Count == 2 && subflows[0].Bottleneck == subflows[1].Bottleneck;
    }

    private static string Shared(int subflows, int coupling)
    {
        string[] names = [.. Enumerable.Range(0, subflows).Select(i => $"m{i}")];
        string access = string.Concat(names.Append("t").Select(name =>
            $$"""{{name}} = { between = ["{{name[0]}}", "left"], rate = "1 Gbit/s", delay = "1 ms" }""" + "\n"));
        return $$"""
            [hosts]
            m = { coupling = {{coupling}} }
            t = {}
            server = {}
            [routers]
            left = {}
            [paths]
            {{access}}
            bottleneck = { between = ["left", "server"], rate = "20 Mbit/s", delay = "9 ms", queue = "50 kB", random-tail = "4500 B" }
            [[flows]]
            from = "m"
            to = "server"
            duration = "60 s"
            subflows = [{{string.Join(", ", names.Select(name => $"[\"{name}\", \"bottleneck\"]"))}}]
            [[flows]]
            from = "t"
            to = "server"
            duration = "60 s"
            start = "70 ms"
            """;
    }

    private static string Twins(int milliseconds)
    {
        string link = $$"""{ between = ["m", "server"], rate = "20 Mbit/s", delay = "{{milliseconds}} ms", queue = "150 kB" }""";
        return $$"""
            [hosts]
            m = {}
            server = {}
            [paths]
            one = {{link}}
            other = {{link}}
            [[flows]]
            from = "m"
            to = "server"
            duration = "70 s"
            """;
    }

    /// <summary>A network from a seed, as a scenario.</summary>
    private sealed class RandomNetwork(int seed)
    {
        private readonly Random _random = new(seed);

        public static string Text(int seed, bool shared) => new RandomNetwork(seed).Text(shared);

        private string Text(bool shared)
        {
            bool twins = !shared && _random.Next(3) == 0;
            string first = Bottleneck();
            string second = twins ? first : Bottleneck();
            (int one, int other) = (Competitors(), shared ? 0 : Competitors());
            string last = shared ? "b1" : "b2";
            string hosts = "", paths = "", flows = "";
            for (int i = 0; i < one + other; i++)
            {
                hosts += $"t{i} = {{ path-manager = \"single\" }}\n";
                paths += Access($"p{i}", $"t{i}", i < one ? "left" : "right", _random.Next(20));
                flows += Flow($"t{i}", $"[[\"p{i}\", \"{(i < one ? "b1" : "b2")}\"]]", _random.Next(2) == 0 ? _random.Next(10_000) : _random.Next(500));
            }

            int way = _random.Next(40);
            return $$"""
                seed = {{seed + 1}}
                [hosts]
                m = {}
                server = {}
                {{hosts}}
                [routers]
                left = {}
                {{(shared ? "" : "right = {}")}}
                [paths]
                {{Access("m1", "m", "left", way)}}{{Access("m2", "m", shared ? "left" : "right", twins ? way : _random.Next(40))}}{{paths}}
                b1 = { between = ["left", "server"], {{first}} }
                {{(shared ? "" : $"b2 = {{ between = [\"right\", \"server\"], {second} }}")}}
                {{Flow("m", $"[[\"m1\", \"b1\"], [\"m2\", \"{last}\"]]", _random.Next(1000))}}{{flows}}
                """;
        }

        private string Bottleneck()
        {
            double rate = 2e6 * Math.Pow(30, _random.NextDouble());
            double delay = 0.003 * Math.Pow(30, _random.NextDouble());
            int queue = (int)Math.Max(8000, rate / 8 * ((2 * delay) + 0.04) * 0.4 * Math.Pow(8, _random.NextDouble()));
            string kind = _random.Next(5) == 0 ? $$""", red = { minimum = "{{queue / 5}} B", maximum = "{{queue * 7 / 10}} B", chance = "10 %" }"""
                : _random.Next(2) == 0 ? ", random-tail = \"3000 B\"" : "";
            string loss = ((string[])["0 %", "0 %", "0 %", "0.01 %", "0.1 %"])[_random.Next(5)];
            return $"rate = \"{(long)(rate / 1000)} kbit/s\", delay = \"{(int)(delay * 1000)} ms\", queue = \"{queue} B\"{kind}, loss = \"{loss}\"";
        }

        private int Competitors() => ((int[])[0, 0, 1, 1, 2, 4, 8])[_random.Next(7)];

        private static string Access(string name, string host, string router, int milliseconds) =>
            $"{name} = {{ between = [\"{host}\", \"{router}\"], rate = \"1 Gbit/s\", delay = \"{milliseconds} ms\" }}\n";

        private static string Flow(string from, string subflows, int start) =>
            $"[[flows]]\nfrom = \"{from}\"\nto = \"server\"\nduration = \"50 s\"\nstart = \"{start} ms\"\nsubflows = {subflows}\n";
    }
}
