using System.Globalization;
using System.Text;

namespace Mptcp.Links;

/// <summary>The system tools, and what is done with them to whole records. Call below the state directory's lock.</summary>
internal sealed class ViaSystem
{
    private const int CapNetAdmin = 12;

    // What the tools say of a thing that is gone already.
    private static readonly string[] _goneAlready =
        ["No such file or directory", "No such process", "does not exist", "Cannot find device", "Flush terminated"];

    private readonly string _ip;
    private readonly string _nft;

    private ViaSystem(string ip, string nft)
    {
        _ip = ip;
        _nft = nft;
    }

    /// <summary>Checks rights and tools before anything is touched.</summary>
    public static ViaSystem Require()
    {
        if (!OperatingSystem.IsLinux())
            throw new LinkException("Paths via devices need Linux: leave --via out.");
        if (!HasNetAdmin())
            throw new LinkException("Paths via devices need the right CAP_NET_ADMIN: run as root (sudo).");
        return new ViaSystem(CommandRunner.Find("ip", "iproute2"), CommandRunner.Find("nft", "nftables"));
    }

    public NetworkSnapshot TakeSnapshot() => NetworkSnapshot.Take(_ip);

    /// <summary>Sets addresses, routes, rules and NAT up.</summary>
    public void SetUp(
        ViaRecord record, IReadOnlyList<ViaPlannedPath> paths, NetworkSnapshot snapshot, IReadOnlyList<ushort> ports)
    {
        var v4 = new StringBuilder();
        var v6 = new StringBuilder();
        foreach (ViaPlannedPath path in paths)
        {
            // No link-local address, so that the kernel does not solicit routers from the engine.
            v4.Append($"link set dev {path.Record.TunName} addrgenmode none\n");
            foreach (ViaAddress address in path.Addresses)
                ViaCommands.AppendSetup(
                    address.PrefixLength > 32 ? v6 : v4, path, address, snapshot);
        }
        CommandRunner.Run(_ip, ["-4", "-batch", "-"], v4.ToString());
        if (v6.Length > 0)
            CommandRunner.Run(_ip, ["-6", "-batch", "-"], v6.ToString());
        CommandRunner.Run(_nft, ["-f", "-"], ViaCommands.NftSetup(record.NftTable, record.Paths, ports));
    }

    /// <summary>Puts the routes of a path back that the kernel forgets with a device that goes down.</summary>
    public void RestoreRoutes(ViaPlannedPath path, NetworkSnapshot snapshot)
    {
        foreach (ViaAddress address in path.Addresses)
        {
            var batch = new StringBuilder();
            ViaCommands.AppendRoutes(batch, path, address, snapshot, "replace");
            CommandRunner.Run(_ip, [address.PrefixLength > 32 ? "-6" : "-4", "-batch", "-"], batch.ToString());
        }
    }

    public void ForwardPort(ViaRecord record, ushort port) =>
        CommandRunner.Run(_nft, ["add", "element", "inet", record.NftTable, ViaCommands.PortSet, $"{{ {port} }}"]);

    /// <summary>
    /// Undoes all that a record says, however much of it was done; false if something would not go, so that the
    /// record must stay.
    /// </summary>
    public bool TryRemove(ViaRecord record, IReadOnlyList<ViaRecord> others)
    {
        var v4 = new StringBuilder();
        var v6 = new StringBuilder();
        foreach (ViaPathRecord path in record.Paths)
        {
            if (path.EngineV4 is not null)
                ViaCommands.AppendRemoval(v4, path, path.EngineV4);
            if (path.EngineV6 is not null)
                ViaCommands.AppendRemoval(v6, path, path.EngineV6);
        }
        bool clean = TryRun(_ip, ["-4", "-force", "-batch", "-"], v4);
        clean &= TryRun(_ip, ["-6", "-force", "-batch", "-"], v6);
        clean &= TryRun(_nft, ["-f", "-"], new StringBuilder(ViaCommands.NftRemoval(record.NftTable)));
        ViaSysctls.Restore(record, others);
        return clean;
    }

    private static bool TryRun(string tool, string[] arguments, StringBuilder input)
    {
        if (input.Length == 0)
            return true;
        (int exitCode, _, string errors) = CommandRunner.RunUnchecked(tool, arguments, input.ToString());
        if (exitCode == 0)
            return true;
        string[] lines = errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        // Without a complaint it was killed.
        return lines.Length > 0 && Array.TrueForAll(lines, line =>
            line.StartsWith("Command failed", StringComparison.Ordinal)
            || Array.Exists(_goneAlready, gone => line.Contains(gone, StringComparison.Ordinal)));
    }

    private static bool HasNetAdmin()
    {
        const string Field = "CapEff:";
        foreach (string line in File.ReadLines("/proc/thread-self/status"))
            if (line.StartsWith(Field, StringComparison.Ordinal))
                return (ulong.Parse(line.AsSpan(Field.Length).Trim(), NumberStyles.HexNumber,
                    CultureInfo.InvariantCulture) >> CapNetAdmin & 1) == 1;
        return false;
    }
}
