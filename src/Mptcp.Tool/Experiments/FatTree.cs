using System.Globalization;
using System.Text;

namespace Mptcp.Tool.Experiments;

/// <summary>
/// Table K: a data centre of three layers (Al-Fares et al., SIGCOMM 2008) from switches of k ports, in which every host sends to
/// another. Too long to be written by hand.
/// </summary>
internal static class FatTree
{
    public const string Name = "fat-tree";
    private const int Ports = 8;
    private const int Seed = 1;

    /// <summary>The experiment as a file has it.</summary>
    public static string Text()
    {
        const int half = Ports / 2;
        var hosts = new StringBuilder();
        var routers = new StringBuilder();
        var paths = new StringBuilder();
        var flows = new StringBuilder();
        for (int core = 0; core < half * half; core++)
            routers.Append(CultureInfo.InvariantCulture, $"core{core} = {{ ecmp = true }}\n");
        for (int pod = 0; pod < Ports; pod++)
        {
            for (int i = 0; i < half; i++)
            {
                routers.Append(CultureInfo.InvariantCulture, $"up{pod}-{i} = {{ ecmp = true }}\nedge{pod}-{i} = {{ ecmp = true }}\n");
                for (int j = 0; j < half; j++)
                {
                    int host = (((pod * half) + i) * half) + j;
                    hosts.Append(CultureInfo.InvariantCulture, $"h{host} = {{ congestion = \"lia\", scheduler = \"lowest-rtt\" }}\n");
                    Append(paths, $"host{host}", $"h{host}", $"edge{pod}-{i}");
                    Append(paths, $"edge{pod}-{i}-{j}", $"edge{pod}-{i}", $"up{pod}-{j}");
                    Append(paths, $"core{pod}-{i}-{j}", $"up{pod}-{i}", $"core{(i * half) + j}");
                }
            }
        }

        foreach ((int from, int to) in Permutation(Ports * half * half))
        {
            flows.Append(CultureInfo.InvariantCulture, $"[[flows]]\nname = \"f{from}\"\nfrom = \"h{from}\"\nto = \"h{to}\"\nduration = \"1 min\"\n");
        }

        return $$"""
            [experiment]
            title = "K. A fat tree of {{Ports * half * half}} hosts, each sending to another"
            about = "Raiciu et al., SIGCOMM 2011: links of 100 Mbit/s, queues of 100 packets, connections spread by their ports. One subflow is a TCP. Reference: htsim."
            path-managers = ["single", "ports:8"]
            hosts = ["h*"]
            warm-up = "2 s"
            measure = "3 s"
            seeds = 2

            [[results]]
            name = "Mbit/s of 100"
            goodput = ["f*"]
            expect = { single = [44.5, 40.0, 55.0], "ports:8" = [90.5, 88.0, 100.0] }
            remark = "The reference counts packets with their headers, and ours is payload: 95.2 is all there is. The rest of the difference is not found."

            [[results]]
            name = "fairness (Jain)"
            jain = ["f*"]
            expect = { single = [0.76], "ports:8" = [0.97] }

            [hosts]
            {{hosts}}
            [routers]
            {{routers}}
            [paths]
            {{paths}}
            {{flows}}
            """;
    }

    private static void Append(StringBuilder paths, string name, string first, string second) => paths.Append(
        CultureInfo.InvariantCulture,
        $"{name} = {{ between = [\"{first}\", \"{second}\"], rate = \"100 Mbit/s\", delay = \"20 us\", queue = \"150 kB\" }}\n");

    /// <summary>Everybody sends to one, and nobody to himself.</summary>
    private static IEnumerable<(int From, int To)> Permutation(int count)
    {
        // One round through all of them, in an order drawn by chance.
        var random = new Random(Seed);
        int[] order = [.. Enumerable.Range(0, count)];
        random.Shuffle(order);
        return order.Select((from, i) => (from, order[(i + 1) % count])).OrderBy(pair => pair.from);
    }
}
