using System.Text.Json.Serialization;

namespace Mptcp.Links;

/// <summary>What one <see cref="ViaPathSet"/> changed, or is about to: enough to undo it without its owner.</summary>
internal sealed record ViaRecord
{
    public required ProcessIdentity Owner { get; init; }

    public required NetworkNamespaceIdentity Namespace { get; init; }

    /// <summary>The nftables table of family inet.</summary>
    public required string NftTable { get; init; }

    public required IReadOnlyList<ViaPathRecord> Paths { get; init; }

    public List<ViaSysctlRecord> Sysctls { get; init; } = [];
}

/// <summary>One path's slot, which gives its TUN's name and routing table, and its engine addresses.</summary>
internal sealed record ViaPathRecord(int Slot, string Device, string? EngineV4, string? EngineV6)
{
    // "MP" in the upper half: a number that nobody gives to a table by hand.
    private const int FirstTable = 0x4D50_0000;

    [JsonIgnore]
    public string TunName => TunNameOf(Slot);

    [JsonIgnore]
    public int Table => TableOf(Slot);

    public static string TunNameOf(int slot) => $"mptcp{slot}";

    public static int TableOf(int slot) => FirstTable + slot;

    /// <summary>Whether it is the routing table of a path, whoever's.</summary>
    public static bool IsTable(uint table) => table >> 16 == FirstTable >> 16;
}

/// <summary>A kernel setting that the owner needs at a value.</summary>
/// <param name="Path">File below <c>/proc/sys</c>.</param>
/// <param name="Original">The value before the first live owner changed it.</param>
/// <param name="Wanted">The value that the owner needs.</param>
/// <param name="General">Value of the namespace-wide switch that sets this one too, when the first owner came.</param>
internal sealed record ViaSysctlRecord(string Path, string Original, string Wanted, string? General = null);

[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(ViaRecord))]
internal sealed partial class ViaRecordJson : JsonSerializerContext;
