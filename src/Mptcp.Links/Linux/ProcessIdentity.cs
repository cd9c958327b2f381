using System.Globalization;
using System.Text.Json.Serialization;

namespace Mptcp.Links;

/// <summary>A process named so that a later one with the same pid is not taken for it.</summary>
/// <param name="Pid">The process id.</param>
/// <param name="StartTime">Field 22 of <c>/proc/PID/stat</c>: clock ticks since boot.</param>
/// <param name="BootId">The kernel's boot id: start times of different boots cannot be compared.</param>
internal readonly record struct ProcessIdentity(int Pid, long StartTime, string BootId)
{
    public static ProcessIdentity Current { get; } = ReadCurrent();

    /// <summary>Whether the process still runs; a zombie does not: it has closed its files.</summary>
    [JsonIgnore]
    public bool IsAlive =>
        BootId == Current.BootId
        && TryReadStat(Pid, out char state, out long startTime)
        && startTime == StartTime
        && state is not ('Z' or 'X');

    private static ProcessIdentity ReadCurrent()
    {
        int pid = Environment.ProcessId;
        _ = TryReadStat(pid, out _, out long startTime);
        return new ProcessIdentity(pid, startTime, File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim());
    }

    private static bool TryReadStat(int pid, out char state, out long startTime)
    {
        state = default;
        startTime = 0;
        string stat;
        try
        {
            stat = File.ReadAllText($"/proc/{pid}/stat");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
        // The command name, field 2, is in parentheses and may itself hold spaces and parentheses.
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        state = fields[0][0];
        return long.TryParse(fields[19], NumberStyles.None, CultureInfo.InvariantCulture, out startTime);
    }
}
