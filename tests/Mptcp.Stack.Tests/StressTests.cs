using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>
/// Random connections over random weather, from a seed: a stream arrives whole, or its end says why not, and nothing is
/// left at either host.
/// </summary>
public sealed class StressTests
{
    private static readonly int _seeds = Environment.GetEnvironmentVariable("MPTCP_TEST_ALL") == "1" ? 10_000 : 200;

    [Fact]
    public void Random_connections_end_intact_or_explained()
    {
        var failures = new List<string>();
        int whole = 0;
        for (int seed = 1; seed <= _seeds && failures.Count < 10; seed++)
        {
            var run = new StressRun(seed);
            if (run.Run() is { } failure)
            {
                failures.Add($"seed {seed}: {failure}");
            }

            whole += run.IsWhole ? 1 : 0;
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));

        // Runs that come to nothing would prove nothing.
        Assert.InRange(whole, _seeds / 2, _seeds);
    }
}
