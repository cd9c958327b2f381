using Mptcp.Tool.Simulate;

namespace Mptcp.Tool.Tests;

/// <summary>What a scenario file may say, and the line of everything that it may not.</summary>
public sealed class ScenarioReaderTests
{
    // Lines 1 to 13; each case adds to it, or replaces a part of it.
    private const string Whole = """
        seed = 1
        [hosts.a]
        [hosts.b]
        [routers.r]
        [paths.p]
        between = ["a", "b"]
        rate = "1 Mbit/s"
        delay = "10 ms"
        [[flows]]
        name = "x"
        from = "a"
        to = "b"
        bytes = "1 MB"

        """;

    [Theory]
    [InlineData("seed = 1", "sed = 1", 1, "the scenario has an unknown key 'sed'; expected one of seed, limit, hosts, routers, nats, paths, flows")]
    [InlineData("seed = 1", "seed = \"1\"", 1, "seed is a text; expected a whole number of 0 to 9223372036854775807")]
    [InlineData("seed = 1", "seed = -1", 1, "seed is -1; expected a whole number of 0 to 9223372036854775807")]
    [InlineData("seed = 1", "seed = 1.5", 1, "seed is a number without unit; expected a whole number")]
    [InlineData("seed = 1", "limit = \"0 s\"", 1, "limit is 0; expected a duration such as \"10 ms\", above 0")]
    [InlineData("seed = 1", "limit = 1979-05-27", 1, "limit is a date or time; expected a duration")]
    [InlineData("seed = 1", "seed = ", 1, "expected TOML")]
    [InlineData("seed = 1", "routers = 3", 4, "expected TOML")]
    [InlineData("[hosts.a]", "[hosts]\nq = 1\n[hosts.a]", 3, "'q' in [hosts] is not a table; expected tables such as [hosts.NAME]")]
    [InlineData("[hosts.a]", "[hosts.a]\nbuffer = \"1 MB\"", 3, "host 'a' has an unknown key 'buffer'; expected one of send-buffer, receive-buffer, checksum, max-subflows, announce-addresses, scheduler, path-manager, coupling, coupling-scope, sack, congestion")]
    [InlineData("[hosts.a]", "[hosts.a]\nscheduler = \"fastest\"", 3, "scheduler is 'fastest'; expected default, lowest-rtt, round-robin (or round-robin:3,1 with a weight for each path), redundant, blest, ecf, backup-only or latency:50 (milliseconds)")]
    [InlineData("[hosts.a]", "[hosts.a]\npath-manager = \"mesh\"", 3, "path-manager is 'mesh'; expected default, single, make-before-break, full-mesh, one-per-interface, ports:3 (so many subflows on one path), signal or manual")]
    [InlineData("[hosts.a]", "[hosts.a]\nsend-buffer = \"1 kB\"", 3, "send-buffer is 1000 bytes; expected 4 KiB to 1 GiB")]
    [InlineData("[hosts.a]", "[hosts.a]\nchecksum = 1", 3, "checksum is a number without unit; expected true or false")]
    [InlineData("[hosts.a]", "[hosts.a]\nmax-subflows = 0", 3, "max-subflows is 0; expected a whole number of 1 to 32")]
    [InlineData("[hosts.a]", "[hosts.a]\ncoupling-scope = \"all\"", 3, "coupling-scope is 'all'; expected connection or bottleneck")]
    [InlineData("[hosts.a]", "[hosts.a]\ncongestion = \"vegas\"", 3, "congestion is 'vegas'; expected cubic, reno, bbr, lia, lia-threshold, lia-interval, olia, balia, wvegas, ewtcp or coupled")]
    [InlineData("[hosts.b]", "[hosts.a]", 3, "expected")]
    [InlineData("[routers.r]", "[routers.a]", 4, "'a' is there twice; expected a name of its own for each host, router and NAT")]
    [InlineData("[routers.r]", "[nats.r]", 4, "nat 'r' has no outside; expected outside = the name of the path to the outside")]
    [InlineData("[routers.r]", "[nats.r]\noutside = \"p\"", 4, "nat 'r' has no path 'p'; expected outside = the name of one of its paths")]
    [InlineData("between = [\"a\", \"b\"]", "", 5, "path 'p' has no between; expected between = the names of two hosts")]
    [InlineData("[\"a\", \"b\"]", "[\"a\"]", 6, "between is something else; expected the names of two hosts such as [\"client\", \"server\"]")]
    [InlineData("[\"a\", \"b\"]", "\"a\"", 6, "between is a text; expected the names of two hosts")]
    [InlineData("[\"a\", \"b\"]", "[\"a\", \"c\"]", 6, "there is no host 'c'; expected one of a, b, r")]
    [InlineData("[\"a\", \"b\"]", "[\"a\", \"a\"]", 6, "a path leads from 'a' to itself; expected the names of two hosts")]
    [InlineData("rate = \"1 Mbit/s\"", "", 5, "path 'p' has no rate; expected rate = a rate such as \"30 Mbit/s\", or trace = \"FILE\"")]
    [InlineData("\"1 Mbit/s\"", "\"-1 Mbit/s\"", 7, "rate '-1 Mbit/s' is negative; expected a rate such as \"30 Mbit/s\"")]
    [InlineData("\"1 Mbit/s\"", "\"0 Mbit/s\"", 7, "rate is 0; expected a rate such as \"30 Mbit/s\", above 0")]
    [InlineData("\"1 Mbit/s\"", "\"1 MB/s\"", 7, "rate '1 MB/s' has the unknown unit 'MB/s'; expected a rate")]
    [InlineData("\"1 Mbit/s\"", "\"1\"", 7, "rate '1' has no unit; expected a rate")]
    [InlineData("\"1 Mbit/s\"", "\"fast\"", 7, "rate 'fast' has no number; expected a rate")]
    [InlineData("\"1 Mbit/s\"", "\"99999999999999 Gbit/s\"", 7, "rate '99999999999999 Gbit/s' is too large; expected a rate")]
    [InlineData("\"1 Mbit/s\"", "5", 7, "rate is a number without unit; expected a rate")]
    [InlineData("\"1 Mbit/s\"", "true", 7, "rate is true or false; expected a rate")]
    [InlineData("delay = \"10 ms\"", "delay = \"-1 ms\"", 8, "delay '-1 ms' is negative; expected a duration such as \"10 ms\"")]
    [InlineData("delay = \"10 ms\"", "dealy = \"10 ms\"", 8, "path 'p' has an unknown key 'dealy'; expected one of")]
    [InlineData("delay = \"10 ms\"", "loss = \"101 %\"", 8, "loss '101 %' is more than 100 %; expected a chance of 0 % to 100 % such as \"0.5 %\"")]
    [InlineData("delay = \"10 ms\"", "loss = 0.5", 8, "loss is a number without unit; expected a chance")]
    [InlineData("delay = \"10 ms\"", "queue = \"0 B\"", 8, "queue is 0; expected a size such as \"90 kB\", above 0")]
    [InlineData("delay = \"10 ms\"", "mtu = 100", 8, "mtu is 100; expected a whole number of 576 to 65535")]
    [InlineData("delay = \"10 ms\"", "corrupt-bits = 65", 8, "corrupt-bits is 65; expected a whole number of 1 to 64")]
    [InlineData("delay = \"10 ms\"", "cuts = [{ for = \"1 s\" }]", 8, "a cut has no at; expected a list such as [{ at = \"2 s\", for = \"3 s\" }]")]
    [InlineData("delay = \"10 ms\"", "cuts = [\n  { at = \"1 s\" },\n  { at = \"2 s\", four = 1 },\n]", 10, "cut has an unknown key 'four'; expected one of at, for")]
    [InlineData("delay = \"10 ms\"", "cuts = [3]", 8, "cuts holds something else; expected a list such as")]
    [InlineData("delay = \"10 ms\"", "burst-loss = { enter = \"1 %\" }", 8, "burst-loss lacks enter or leave; expected a table such as")]
    [InlineData("delay = \"10 ms\"", "red = { minimum = \"9 kB\", maximum = \"3 kB\" }", 8, "red has no range; expected a table such as")]
    [InlineData("delay = \"10 ms\"", "middleboxes = \"nat\"", 8, "middleboxes is a text; expected a list such as [\"strip-syn\", \"split:700\"]")]
    [InlineData("delay = \"10 ms\"", "middleboxes = [3]", 8, "middleboxes holds something else; expected a list such as")]
    [InlineData("delay = \"10 ms\"", "middleboxes = [\n  \"nat\",\n  \"nut\"]", 10, "there is no middlebox 'nut'; expected one of strip-syn, ")]
    [InlineData("delay = \"10 ms\"", "middleboxes = [\"split:0\"]", 8, "there is no middlebox 'split:0'; expected split, or split:N with a whole number of 1 to 65000")]
    [InlineData("delay = \"10 ms\"", "back = { middleboxes = [\"nat:1\"] }", 8, "there is no middlebox 'nat:1'; expected nat without a number")]
    [InlineData("delay = \"10 ms\"", "back = { rat = 1 }", 8, "back has an unknown key 'rat'; expected one of")]
    [InlineData("delay = \"10 ms\"", "back = 1", 8, "back is a number without unit; expected a table")]
    [InlineData("delay = \"10 ms\"", "trace = \"no.such\"", 8, "trace 'no.such' cannot be read; expected a file at")]
    [InlineData("rate = \"1 Mbit/s\"", "trace = \"wifi-3g.toml\"", 7, "trace 'wifi-3g.toml', line 3: '[hosts.client]' is not a time; expected whole milliseconds; expected a trace without errors")]
    [InlineData("delay = \"10 ms\"", "trace = \"fading.trace\"", 8, "path 'p' has a rate and a trace; expected one of them")]
    [InlineData("[[flows]]", "[flows]", 9, "flows is a table; expected tables that begin with [[flows]]")]
    [InlineData("from = \"a\"", "", 9, "flow has no from; expected from = the name of a host")]
    [InlineData("from = \"a\"", "from = \"c\"", 11, "there is no host 'c'; expected one of a, b, r")]
    [InlineData("from = \"a\"", "from = \"r\"", 11, "'r' is not a host; expected the name of a host")]
    [InlineData("from = \"a\"", "from = 1", 11, "from is a number without unit; expected the name of a host")]
    [InlineData("to = \"b\"", "to = \"a\"", 12, "a flow leads to its own host; expected two hosts")]
    [InlineData("bytes = \"1 MB\"", "", 9, "a flow has neither bytes nor duration; expected one of them")]
    [InlineData("bytes = \"1 MB\"", "bytes = \"1 MB\"\nduration = \"1 s\"", 9, "a flow has both bytes and duration; expected one of them")]
    [InlineData("bytes = \"1 MB\"", "byte = \"1 MB\"", 9, "a flow has neither")]
    [InlineData("bytes = \"1 MB\"", "bytes = \"1 MB\"\nport = 80", 14, "flow has an unknown key 'port'; expected one of from, to, bytes, duration, every, name, start")]
    [InlineData("bytes = \"1 MB\"", "bytes = \"1 MB\"\nbytes = \"2 MB\"", 14, "expected TOML")]
    public void Each_error_has_its_line(string replaced, string by, int line, string says)
    {
        Assert.Contains(replaced, Whole, StringComparison.Ordinal);
        ScenarioException error = Assert.Throws<ScenarioException>(() => Read(Whole.Replace(replaced, by, StringComparison.Ordinal)));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.Contains("; expected ", error.Message, StringComparison.Ordinal);
        Assert.True(line == error.Line, $"line {error.Line}: {error.Message}");
    }

    [Theory]
    [InlineData("", 1, "nothing happens; expected a table that begins with [[flows]]")]
    [InlineData("[[flows]]\nfrom = \"a\"", 2, "there is no host 'a'; expected tables such as [hosts.client]")]
    [InlineData("[[hosts.a]]", 1, "'a' in [hosts] is not a table")]
    public void An_empty_one_says_what_to_begin_with(string text, int line, string says)
    {
        ScenarioException error = Assert.Throws<ScenarioException>(() => Read(text));
        Assert.Equal(line, error.Line);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[\"a\", \"b\"]", "[\"a\", \"r\"]")]
    [InlineData("[routers.r]", "[routers.r]\n[hosts.c]", "to = \"b\"", "to = \"c\"")]
    public void A_flow_without_a_route_has_the_line_of_the_flow(params string[] changes)
    {
        string text = Whole;
        for (int i = 0; i < changes.Length; i += 2)
            text = text.Replace(changes[i], changes[i + 1], StringComparison.Ordinal);
        Scenario scenario = Read(text);
        ScenarioException error = Assert.Throws<ScenarioException>(() => new ScenarioRun(scenario));
        Assert.Equal(1 + text.Split('\n').ToList().FindIndex(l => l == "[[flows]]"), error.Line);
        Assert.Matches("flow 'x' has no route from 'a' to '[bc]'; expected paths that lead there", error.Message);
    }

    [Fact]
    public void The_outside_has_no_route_into_a_nat()
    {
        const string natted = """
            [hosts.inside]
            [hosts.outside]
            [nats.n]
            outside = "world"
            [paths.home]
            between = ["inside", "n"]
            rate = "1 Mbit/s"
            [paths.world]
            between = ["n", "outside"]
            rate = "1 Mbit/s"
            [[flows]]
            from = "inside"
            to = "outside"
            bytes = "10 kB"
            """;
        var run = new ScenarioRun(Read(natted));
        run.Run([], () => { }, CancellationToken.None);
        Assert.True(run.Flows[0].IsWhole);
        string inward = natted
            .Replace("from = \"inside\"", "from = \"outside\"", StringComparison.Ordinal)
            .Replace("to = \"outside\"", "to = \"inside\"", StringComparison.Ordinal);
        Assert.Throws<ScenarioException>(() => new ScenarioRun(Read(inward)));
    }

    [Fact]
    public void Everything_that_can_be_said_is_understood()
    {
        Scenario scenario = Read("""
            seed = 7
            limit = "1.5 min"
            hosts.a = { send-buffer = "1 MiB", receive-buffer = "64 KiB", checksum = true, max-subflows = 3, congestion = "reno", announce-addresses = false, sack = false }
            hosts."b c".checksum = false
            nats.n = { outside = "p", idle = "1 h", transitory = "10 s", preserve-ports = true, open = true }
            routers.r = { silent = true }
            [paths.p]
            between = ["a", "n"]
            rate = "1.5 Mbit/s"
            delay = "250 us"
            jitter = "1 ms"
            jitter-reorders = true
            red = { minimum = "10 kB", maximum = "20 kB", chance = "5 %", ecn = true }
            cuts = [{ at = "1 s", for = "2 s" }, { at = "5 s" }]
            loss = "0.0001 %"
            burst-loss = { enter = "1 %", leave = "2 %", bad = "3 %", good = "4 %" }
            duplicate = "1 %"
            reorder = "2 %"
            reorder-delay = "3 ms"
            corrupt = "4 %"
            corrupt-bits = 9
            mtu = 1400
            strip-mptcp = true
            middleboxes = ["strip-syn", "split:700"]
            back = { trace = "fading.trace", delay = "1 s", queue = "1 kB", middleboxes = ["nat"] }
            [paths.q]
            between = ["n", "b c"]
            rate = "800 kbit/s"
            delay = "500 ms"
            [[flows]]
            from = "a"
            to = "b c"
            duration = "10 s"
            start = "1 s"
            """);
        PathSpec path = scenario.Paths[0];
        Assert.Equal((7ul, 90_000_000_000L), (scenario.Seed, scenario.LimitNanoseconds));
        Assert.Equal((1_500_000L, 250_000L, 1), (path.Forward.BitsPerSecond, path.Forward.DelayNanoseconds, path.Forward.LossPerMillion));
        Assert.Equal((0L, 1_000_000_000L, 1000L), (path.Back.BitsPerSecond, path.Back.DelayNanoseconds, path.Back.QueueBytes));
        Assert.NotNull(path.Back.Trace);
        Assert.Equal(path.Forward.Cuts, path.Back.Cuts);
        Assert.Equal(["strip-syn", "split:700"], path.ForwardBoxes);
        Assert.Equal(["nat"], path.BackBoxes);
        Assert.Empty(scenario.Paths[1].ForwardBoxes);
        Assert.Equal(100_000, scenario.Paths[1].Forward.QueueBytes);
        Assert.Equal("a > b c", scenario.Flows[0].Name);
        Assert.Equal([false, true], scenario.Nodes.OfType<HostSpec>().Select(host => host.Options.SelectiveAcks));
    }

    [Fact]
    public void No_text_does_anything_but_say_what_is_wrong()
    {
        // Letters of the examples, shuffled: most of it is nearly right.
        string[] examples = [Whole, .. Directory.GetFiles(SimulateTests.Folder("scenarios"), "*.toml").Select(File.ReadAllText)];
        var random = new Random(1);
        for (int i = 0; i < 20_000; i++)
        {
            char[] text = examples[random.Next(examples.Length)].ToCharArray();
            for (int changes = random.Next(1, 6); changes > 0; changes--)
            {
                int at = random.Next(text.Length);
                text[at] = random.Next(3) == 0 ? (char)random.Next(1, 256) : text[random.Next(text.Length)];
            }

            int length = random.Next(4) == 0 ? random.Next(text.Length) : text.Length;
            try
            {
                _ = new ScenarioRun(Read(new string(text, 0, length)));
            }
            catch (ScenarioException e)
            {
                Assert.InRange(e.Line, 1, text.Count(c => c == '\n') + 2);
            }
        }
    }

    private static Scenario Read(string text) => ScenarioReader.Read(text, SimulateTests.Folder("scenarios"));
}
