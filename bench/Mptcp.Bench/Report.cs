using System.Globalization;
using Mptcp.Lab;

namespace Mptcp.Bench;

/// <summary>What a run came to, in one line.</summary>
internal static class Report
{
    public static string Line(Scenario scenario, IDriver driver, TwoPathLab lab, Payload payload, StreamMeter meter)
    {
        long all = lab.Emulator.Paths.Sum(path => path.Forward.Delivered.Bytes);
        var shares = lab.Emulator.Paths.Select(path => string.Create(
            CultureInfo.InvariantCulture,
            $"{100.0 * path.Forward.Delivered.Bytes / all:F1} % ({path.Forward.QueueDrops.Packets} dropped)"));
        double late = lab.Emulator.Paths.Max(path => path.LongestDelay.TotalMilliseconds);
        string verdict = payload.Sha256 == meter.Sha256 ? "SHA-256 equal" : "SHA-256 DIFFERS";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{scenario.Name} {driver.Name}: {meter.MegabitsPerSecond:F1} Mbit/s, {meter.Elapsed.TotalSeconds:F2} s, longest gap {meter.LongestGap.TotalMilliseconds:F0} ms, shares {string.Join(" / ", shares)} (emulator late by {late:F1} ms at most), {verdict}");
    }
}
