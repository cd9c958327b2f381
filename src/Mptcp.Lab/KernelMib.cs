namespace Mptcp.Lab;

/// <summary>The kernel's own counters of a namespace, by the names that operators know (<c>nstat</c> shows them).</summary>
public static class KernelMib
{
    /// <summary>
    /// The counters of Multipath TCP by name: <c>MPCapableSYNRX</c>, <c>MPJoinAckRx</c>, <c>DSSNotMatching</c>...; empty
    /// where the kernel has no Multipath TCP.
    /// </summary>
    public static IReadOnlyDictionary<string, long> Read(NetworkNamespace place) => Read(place, "MPTcpExt");

    /// <summary>
    /// The counters of one group of <c>/proc/net/netstat</c> or <c>/proc/net/snmp</c>, such as <c>TcpExt</c> and <c>Tcp</c>.
    /// </summary>
    public static IReadOnlyDictionary<string, long> Read(NetworkNamespace place, string group)
    {
        ArgumentNullException.ThrowIfNull(place);

        // /proc/net is that of the process's first thread.
        string[] lines = place.Run(
            () => (string[])[.. File.ReadAllLines("/proc/thread-self/net/netstat"), .. File.ReadAllLines("/proc/thread-self/net/snmp")]);
        string[] found = [.. lines.Where(line => line.StartsWith(group + ":", StringComparison.Ordinal))];
        var counters = new Dictionary<string, long>();
        for (int i = 0; i + 1 < found.Length; i += 2)
        {
            string[] names = found[i].Split(' ');
            string[] values = found[i + 1].Split(' ');
            for (int at = 1; at < names.Length; at++)
            {
                counters[names[at]] = long.Parse(values[at], System.Globalization.CultureInfo.InvariantCulture);
            }
        }

        return counters;
    }
}
