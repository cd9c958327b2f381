using System.Globalization;

namespace Mptcp;

/// <summary>The devices by which the calling thread's network namespace reaches the world.</summary>
internal static class DefaultRouteDevices
{
    private const uint Up = 0x1;
    private const uint Reject = 0x200;

    /// <summary>Every device with a default route in the main table, best metric first.</summary>
    public static IReadOnlyList<string> Find() =>
        Find(ReadLines("/proc/thread-self/net/route"), ReadLines("/proc/thread-self/net/ipv6_route"));

    internal static IReadOnlyList<string> Find(IEnumerable<string> v4, IEnumerable<string> v6)
    {
        var found = new List<(string Device, long Metric)>();
        foreach (string line in v4.Skip(1))
        {
            // Iface Destination Gateway Flags RefCnt Use Metric Mask ...
            string[] fields = line.Split('\t', StringSplitOptions.TrimEntries);
            if (fields.Length > 7 && fields[1] == "00000000" && fields[7] == "00000000" && IsUsable(fields[3]))
                found.Add((fields[0], long.Parse(fields[6], CultureInfo.InvariantCulture)));
        }

        foreach (string line in v6)
        {
            // destination prefix source prefix next-hop metric references use flags device
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 9 && fields[1] == "00" && IsUsable(fields[8]) && fields[9] != "lo")
                found.Add((fields[9], long.Parse(fields[5], NumberStyles.HexNumber, CultureInfo.InvariantCulture)));
        }

        return [.. found.OrderBy(route => route.Metric).Select(route => route.Device).Distinct()];
    }

    private static bool IsUsable(string hexadecimalFlags) =>
        (uint.Parse(hexadecimalFlags, NumberStyles.HexNumber, CultureInfo.InvariantCulture) & (Up | Reject)) == Up;

    private static string[] ReadLines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A kernel without this family.
            return [];
        }
    }
}
