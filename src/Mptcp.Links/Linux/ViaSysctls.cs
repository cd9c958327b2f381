namespace Mptcp.Links;

/// <summary>
/// Kernel settings that several owners in one namespace may need at once. The first to need one keeps its original
/// value, later ones copy that from the first, and only the last live one restores it. Call below the lock of
/// <see cref="ViaStateDirectory"/>.
/// </summary>
internal static class ViaSysctls
{
    private const string Root = "/proc/sys/";
    private const string ForwardEverywhere = "net/ipv4/ip_forward";

    /// <summary>Adds to the record whatever the paths need that is not so already, or that another owner holds up.</summary>
    public static void Plan(ViaRecord record, IReadOnlyList<ViaRecord> others, NetworkSnapshot snapshot)
    {
        foreach (ViaPathRecord path in record.Paths)
        {
            if (path.EngineV4 is not null)
                PlanIPv4(record, others, path.Device);
            if (path.EngineV6 is not null)
                PlanIPv6(record, others, path.Device, snapshot);
        }
        // NAT drops what conntrack thinks out of window, and its idea of a window is not MPTCP's: the window of
        // every subflow counts from the DATA_ACK (RFC 8684 §3.3.4).
        Hold(record, others, "net/netfilter/nf_conntrack_tcp_be_liberal", "1");
    }

    /// <summary>Sets what the record says.</summary>
    public static void Apply(ViaRecord record)
    {
        foreach (ViaSysctlRecord sysctl in record.Sysctls)
            if (Read(sysctl.Path) != sysctl.Wanted && !TryWrite(sysctl.Path, sysctl.Wanted))
                throw CannotSet(sysctl.Path, sysctl.Wanted);
    }

    /// <summary>Restores what the record says, except what another live owner still needs.</summary>
    public static void Restore(ViaRecord record, IReadOnlyList<ViaRecord> others)
    {
        for (int i = record.Sysctls.Count - 1; i >= 0; i--)
        {
            ViaSysctlRecord sysctl = record.Sysctls[i];
            // What somebody else set meanwhile, be it by the general switch, is theirs.
            bool ours = Read(sysctl.Path) == sysctl.Wanted
                && (sysctl.General is null || Read(ForwardEverywhere) == sysctl.General);
            if (ours && FindHolder(others, sysctl.Path) is null)
                _ = TryWrite(sysctl.Path, sysctl.Original);
        }
    }

    /// <summary>Sets what the engine's end needs; it goes with the TUN, so nothing is recorded.</summary>
    public static void PrepareTun(string tun, bool hasIPv6)
    {
        string forwarding = $"net/ipv4/conf/{tun}/forwarding";
        if (Read(forwarding) != "1" && !TryWrite(forwarding, "1"))
            throw CannotSet(forwarding, "1");
        _ = TryWrite($"net/ipv4/conf/{tun}/rp_filter", "2");
        _ = TryWrite($"net/ipv6/conf/{tun}/accept_ra", "0");
        _ = TryWrite($"net/ipv6/conf/{tun}/disable_ipv6", hasIPv6 ? "0" : "1");
        if (hasIPv6)
            _ = TryWrite($"net/ipv6/conf/{tun}/force_forwarding", "1");
    }

    private static void PlanIPv4(ViaRecord record, IReadOnlyList<ViaRecord> others, string device)
    {
        // The kernel asks the incoming device alone whether to forward. The namespace-wide ip_forward would also
        // switch every other device, and accept_redirects with them, and could not be put back exactly.
        Hold(record, others, $"net/ipv4/conf/{device}/forwarding", "1", Read(ForwardEverywhere));

        // The greater of "all" and the device's own value counts, so 2 (loose) on the device overrules a strict
        // "all"; but 2 on a device that has no filter would be a filter where there was none.
        string path = $"net/ipv4/conf/{device}/rp_filter";
        bool strict = Math.Max(ReadNumber("net/ipv4/conf/all/rp_filter"), ReadNumber(path)) == 1;
        if (strict || FindHolder(others, path) is not null)
            Hold(record, others, path, "2");
    }

    private static void PlanIPv6(
        ViaRecord record, IReadOnlyList<ViaRecord> others, string device, NetworkSnapshot snapshot)
    {
        string perDevice = $"net/ipv6/conf/{device}/force_forwarding";
        if (Read(perDevice) is not null)
        {
            Hold(record, others, perDevice, "1");
            return;
        }
        // Kernels before 6.17 forward IPv6 only for all devices at once, and a forwarding device forgets its
        // advertised default route unless accept_ra is 2 before the switch.
        const string Everywhere = "net/ipv6/conf/all/forwarding";
        if (ReadNumber(Everywhere) == 1 && FindHolder(others, Everywhere) is null)
            return;
        foreach (string name in snapshot.Devices.Keys)
        {
            string acceptRa = $"net/ipv6/conf/{name}/accept_ra";
            if (ReadNumber(acceptRa) == 1 || FindHolder(others, acceptRa) is not null)
                Hold(record, others, acceptRa, "2");
        }
        Hold(record, others, Everywhere, "1");
    }

    private static void Hold(
        ViaRecord record, IReadOnlyList<ViaRecord> others, string path, string wanted, string? general = null)
    {
        if (record.Sysctls.Exists(s => s.Path == path))
            return;
        if (FindHolder(others, path) is { } holder)
            record.Sysctls.Add(holder with { Wanted = wanted });
        else if (Read(path) is { } current && current != wanted)
            record.Sysctls.Add(new ViaSysctlRecord(path, current, wanted, general));
    }

    private static ViaSysctlRecord? FindHolder(IReadOnlyList<ViaRecord> others, string path)
    {
        foreach (ViaRecord other in others)
            if (other.Sysctls.Find(s => s.Path == path) is { } held)
                return held;
        return null;
    }

    private static LinkException CannotSet(string path, string value) =>
        new($"{Root}{path} cannot be set to {value} here: a container's is read-only, set it outside or run as root.");

    // Below /proc/sys/net the kernel shows the calling thread's network namespace.
    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(Root + path).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static int ReadNumber(string path) => int.TryParse(Read(path), out int value) ? value : 0;

    private static bool TryWrite(string path, string value)
    {
        try
        {
            // Truncating or creating is refused below /proc/sys.
            using var stream = new FileStream(Root + path, FileMode.Open, FileAccess.Write);
            stream.Write(System.Text.Encoding.ASCII.GetBytes(value));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
