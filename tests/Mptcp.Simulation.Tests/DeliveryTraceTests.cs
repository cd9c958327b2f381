using CsCheck;
using Mptcp.Tcp;

namespace Mptcp.Simulation.Tests;

public sealed class DeliveryTraceTests
{
    private readonly byte[] _buffer = new byte[65_536];

    [Fact]
    public void Small_packets_share_a_stamp_and_a_large_one_goes_on_in_the_next()
    {
        PathModel path = Path("1\n5\n9\n");
        Assert.Equal([1, 1, 5, 5, 9], Arrivals(path, (0, 700), (0, 800), (0, 1000), (0, 500), (0, 1400)));
    }

    [Fact]
    public void What_nobody_uses_is_gone()
    {
        PathModel path = Path("1\n1\n1\n5\n9\n");
        Assert.Equal([1, 5, 9], Arrivals(path, (0, 1500), (2, 1500), (2, 1500)));
    }

    [Fact]
    public void A_packet_that_comes_at_the_time_of_a_stamp_still_gets_it()
    {
        PathModel path = Path("3\n8\n");
        Assert.Equal([3, 3, 8], Arrivals(path, (2, 500), (3, 1000), (3, 1)));
    }

    [Fact]
    public void It_starts_again_at_its_end()
    {
        PathModel path = Path("0\n4\n10\n");
        Assert.Equal([0, 4, 10, 10, 14, 20, 20], Arrivals(path, Enumerable.Repeat((0, 1500), 7).ToArray()));
        Assert.Equal([1_000_010], Arrivals(path, (1_000_005, 1500)));
    }

    [Fact]
    public void It_begins_at_the_start_of_the_path()
    {
        var path = new PathModel(new PathOptions { Trace = DeliveryTrace.Parse("7\n"), DelayNanoseconds = 3 }, 1, new Instant(100));
        path.Send(new Instant(200), new byte[100]);
        Assert.Equal(new Instant(100 + 7 * Instant.Millisecond + 3), path.NextTimeout);
    }

    [Fact]
    public void A_figure_is_the_rate_of_the_whole()
    {
        DeliveryTrace trace = DeliveryTrace.Parse("# every millisecond\n1\n\n2\r\n3\n4\n");
        Assert.Equal((4, 4L, 12_000_000L), (trace.Count, trace.PeriodMilliseconds, trace.BitsPerSecond));
    }

    [Fact]
    public void It_agrees_with_a_naive_link_that_looks_at_every_stamp() =>
        Gen.Select(
            Gen.UInt[0, 30].Array[1, 12],
            Gen.Select(Gen.Int[0, 40], Gen.Int[1, 3000]).Array[1, 40]).Sample(
            (gaps, sends) =>
            {
                var stamps = new List<uint>();
                uint last = 0;
                foreach (uint gap in gaps)
                {
                    stamps.Add(last += gap);
                }

                stamps[^1] = Math.Max(1, stamps[^1]);
                PathModel path = Path(string.Join('\n', stamps));
                int time = 0;
                var offered = sends.Select(send => (At: time += send.Item1, Length: send.Item2)).ToArray();
                Assert.Equal(Naive(stamps, offered), Arrivals(path, offered));
            },
            iter: 2000);

    [Theory]
    [InlineData("", "line 1: the trace has no duration; expected a last time above 0")]
    [InlineData("0\n0\n", "line 3: the trace has no duration; expected a last time above 0")]
    [InlineData("1\n2\nx\n", "line 3: 'x' is not a time; expected whole milliseconds")]
    [InlineData("1\n-2\n", "line 2: '-2' is not a time; expected whole milliseconds")]
    [InlineData("1\n2.5\n", "line 2: '2.5' is not a time; expected whole milliseconds")]
    [InlineData("7\n\n5\n", "line 3: 5 comes after 7; expected times that do not go back")]
    [InlineData("99999999999\n", "line 1: '99999999999' is not a time; expected whole milliseconds")]
    public void Errors_name_the_line(string text, string expected)
    {
        Assert.False(DeliveryTrace.TryParse(text, out DeliveryTrace? trace, out string error));
        Assert.Null(trace);
        Assert.Equal(expected, error);
    }

    [Fact]
    public void No_text_makes_it_throw() =>
        Gen.String.Sample(
            text => Assert.Equal(DeliveryTrace.TryParse(text, out _, out string error), error.Length == 0), iter: 2000);

    [Fact]
    public void Recordings_of_real_links_are_read()
    {
        string folder = SharedTraces();
        foreach (string file in Directory.GetFiles(folder).Where(file => file.EndsWith(".up", StringComparison.Ordinal) || file.EndsWith(".down", StringComparison.Ordinal)))
        {
            DeliveryTrace trace = DeliveryTrace.Parse(File.ReadAllText(file));
            Assert.InRange(trace.BitsPerSecond, 100_000, 100_000_000);
        }
    }

    private static string SharedTraces()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string traces = System.IO.Path.Combine(folder.FullName, "shared", "traces");
            if (Directory.Exists(traces))
            {
                return traces;
            }
        }

        Assert.Skip("needs ../shared/traces");
        return "";
    }

    private static PathModel Path(string trace) =>
        new(new PathOptions { Trace = DeliveryTrace.Parse(trace), QueueBytes = long.MaxValue }, 1, Instant.Zero);

    private List<long> Arrivals(PathModel path, params (int At, int Length)[] packets)
    {
        foreach ((int at, int length) in packets)
        {
            path.Send(new Instant(at * Instant.Millisecond), new byte[length]);
        }

        var arrivals = new List<long>();
        while (path.NextTimeout is var at && at != Instant.Never && path.TryReceive(at, _buffer, out _))
        {
            arrivals.Add(at.Nanoseconds / Instant.Millisecond);
        }

        return arrivals;
    }

    private static List<long> Naive(List<uint> stamps, (int At, int Length)[] packets)
    {
        var waiting = new Queue<(int At, int Left)>(packets);
        var arrivals = new List<long>();
        int left = 0;
        for (long round = 0; waiting.Count > 0 || left > 0; round++)
        {
            foreach (uint stamp in stamps)
            {
                long time = round * stamps[^1] + stamp;
                for (int room = DeliveryTrace.BytesPerStamp; room > 0;)
                {
                    if (left == 0 && (!waiting.TryPeek(out var next) || next.At > time))
                    {
                        break;
                    }

                    left = left == 0 ? waiting.Dequeue().Left : left;
                    int carried = Math.Min(room, left);
                    (room, left) = (room - carried, left - carried);
                    if (left == 0)
                    {
                        arrivals.Add(time);
                    }
                }
            }
        }

        return arrivals;
    }
}
