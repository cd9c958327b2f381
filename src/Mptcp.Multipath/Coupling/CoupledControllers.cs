using System.Diagnostics.CodeAnalysis;

namespace Mptcp.Multipath;

/// <summary>The coupled controllers by their names, each made for a group and a segment size in bytes.</summary>
public static class CoupledControllers
{
    /// <summary>What is expected where a name is not known, for messages.</summary>
    public const string Expected = "lia, lia-threshold, lia-interval, olia, balia, wvegas, ewtcp or coupled";

    /// <summary>CUBIC, in parts.</summary>
    public static ICoupledController Cubic(CouplingGroup group, int maximumSegmentSize) => new CoupledCubic(group, maximumSegmentSize);

    /// <summary>RFC 6356.</summary>
    public static CoupledController Lia(CouplingGroup group, int maximumSegmentSize) => new Lia(group, maximumSegmentSize);

    /// <summary>As LIA, and Pareto-optimal.</summary>
    public static CoupledController Olia(CouplingGroup group, int maximumSegmentSize) => new Olia(group, maximumSegmentSize);

    /// <summary>As LIA, with a quicker response.</summary>
    public static CoupledController Balia(CouplingGroup group, int maximumSegmentSize) => new Balia(group, maximumSegmentSize);

    /// <summary>By delay.</summary>
    public static CoupledController WVegas(CouplingGroup group, int maximumSegmentSize) => new WVegas(group, maximumSegmentSize);

    /// <summary>Finds the one that a name means.</summary>
    public static bool TryFind(string name, [NotNullWhen(true)] out Func<CouplingGroup, int, ICoupledController>? make)
    {
        make = name switch
        {
            "lia" => Lia,
            "olia" => Olia,
            "balia" => Balia,
            "wvegas" => WVegas,
            "ewtcp" => static (group, size) => new Ewtcp(group, size),
            "lia-threshold" => static (group, size) => new Lia(group, size, WindowEstimate.SlowStartThreshold),
            "lia-interval" => static (group, size) => new Lia(group, size, WindowEstimate.LossInterval),
            "coupled" => static (group, size) => new FullyCoupled(group, size),
            _ => null,
        };
        return make is not null;
    }
}
