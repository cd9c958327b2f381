namespace Mptcp.Tcp.Tests;

/// <summary>Plain TCP under random users and a random network: bytes out are bytes in, both ends end, nothing is left.</summary>
public class AdversaryTests
{
    private static readonly int _seeds = Environment.GetEnvironmentVariable("MPTCP_TEST_ALL") == "1" ? 10_000 : 200;

    [Fact]
    public void Whatever_users_and_network_do_a_connection_is_intact_and_ends()
    {
        var failures = new List<string>();
        int whole = 0;
        int refused = 0;
        for (int seed = 1; seed <= _seeds && failures.Count < 10; seed++)
        {
            var run = new AdversaryRun(seed);
            if (run.Run() is { } failure)
            {
                failures.Add($"seed {seed}: {failure}");
            }

            whole += run.IsWhole ? 1 : 0;
            refused += run.Refused;
        }

        Assert.True(failures.Count == 0, string.Join('\n', failures));

        // Runs that come to nothing, and damage that never arrives, would prove nothing.
        Assert.InRange(whole, _seeds / 3, _seeds);
        Assert.True(refused > _seeds, $"{refused}");
    }
}
