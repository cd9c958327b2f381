using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>Which subflows of a connection grow together, and by what rule.</summary>
internal sealed class ConnectionCoupling(MptcpSettings settings)
{
    private readonly BottleneckDetector _detector = new();
    private readonly CouplingGroup _whole = new() { Strength = settings.CouplingStrength };
    private readonly List<CouplingSeat> _seats = [];

    // In scope of shared bottlenecks: by the least number of their subflows.
    private readonly Dictionary<int, CouplingGroup> _groups = [];
    private Func<CouplingGroup, int, ICoupledController>? _make = settings.Coupling;

    /// <summary>What couples subflows from here on; null: what <see cref="Seat"/> makes of their configuration.</summary>
    public void Use(Func<CouplingGroup, int, ICoupledController>? make) => _make = make;

    /// <summary>A seat for a new subflow; null where it grows by itself.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="configured">The congestion control that it has otherwise: CUBIC is coupled at shared bottlenecks.</param>
    public CouplingSeat? Seat(int number, Func<int, ICongestionController> configured)
    {
        bool cubic = configured == CongestionControllers.Cubic && settings.CouplingStrength > 0;
        if ((_make ?? (cubic ? CoupledControllers.Cubic : null)) is not { } make)
        {
            return null;
        }

        var seat = new CouplingSeat(this, number, GroupOf(number), make);
        _seats.Add(seat);
        return seat;
    }

    public void Remove(CouplingSeat seat)
    {
        if (_seats.Remove(seat))
        {
            _detector.Remove(seat.Number);
            Regroup();
            _groups.Remove(seat.Number);
        }
    }

    /// <summary>A round trip was measured on a subflow, in nanoseconds.</summary>
    public void HandleRoundTrip(Instant now, Subflow subflow, long roundTrip)
    {
        if (_seats.Count > 1 && subflow is { Seat: not null, IsAlive: true } && _detector.Add(now, subflow.Number, roundTrip))
        {
            Regroup();
        }
    }

    /// <summary>The least number of the subflows that share a bottleneck with one; its own when there is none.</summary>
    public int BottleneckOf(int number) => _detector.GroupOf(number);

    /// <summary>With whom a subflow is held together and why, for people; empty when with nobody.</summary>
    public string Why(int number)
    {
        string others = "";
        for (int i = 0; i < _seats.Count; i++)
        {
            int other = _seats[i].Number;
            if (other != number && BottleneckOf(other) == BottleneckOf(number))
            {
                int? agreement = _detector.Between(number, other)?.Agreement;
                others += $"{(others.Length == 0 ? "" : ", ")}{other}{(agreement is null ? "" : $" ({agreement} %)")}";
            }
        }

        return others.Length == 0 ? "" : $"at one bottleneck with subflow {others}: their delays rise and fall together";
    }

    private CouplingGroup GroupOf(int number)
    {
        if (_make is not null && settings.CouplingScope == CouplingScope.Connection)
        {
            return _whole;
        }

        int least = BottleneckOf(number);
        if (!_groups.TryGetValue(least, out CouplingGroup? group))
        {
            _groups.Add(least, group = new CouplingGroup { Strength = settings.CouplingStrength });
        }

        return group;
    }

    private void Regroup()
    {
        for (int i = 0; i < _seats.Count; i++)
        {
            _seats[i].MoveTo(GroupOf(_seats[i].Number));
        }
    }
}
