using System.Diagnostics.CodeAnalysis;
using Mptcp.Tcp;

namespace Mptcp.Native;

/// <summary>The congestion controls by the names of TCP_CONGESTION.</summary>
internal static class Congestions
{
    public const string Default = "cubic";

    private static readonly (string Name, Func<int, ICongestionController> Make)[] _all =
    [
        ("cubic", CongestionControllers.Cubic),
        ("reno", CongestionControllers.NewReno),
        ("bbr", CongestionControllers.Bbr),
    ];

    public static bool TryFind(string name, [NotNullWhen(true)] out Func<int, ICongestionController>? make)
    {
        make = Array.Find(_all, known => known.Name == name).Make;
        return make is not null;
    }

    public static string NameOf(Func<int, ICongestionController> make) =>
        Array.Find(_all, known => known.Make == make).Name ?? Default;
}
