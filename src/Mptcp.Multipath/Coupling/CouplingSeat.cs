using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>A subflow's place in a group: TCP makes the controller, anew when its segment size has changed.</summary>
internal sealed class CouplingSeat(
    ConnectionCoupling owner, int number, CouplingGroup group, Func<CouplingGroup, int, ICoupledController> make)
{
    // Who gives way gives a quarter.
    private const int GiveWayDivisor = 4;
    private ICoupledController? _controller;
    private CouplingGroup _group = group;

    /// <summary>The number of the subflow.</summary>
    public int Number => number;

    public ICongestionController Take(int maximumSegmentSize)
    {
        Vacate();
        _controller = make(_group, maximumSegmentSize);
        _group.Add(_controller);
        return _controller;
    }

    /// <summary>Goes to another group, as it is.</summary>
    public void MoveTo(CouplingGroup other)
    {
        if (_controller is not null && other != _group)
        {
            _group.Remove(_controller);
            if (other.Members.Count > 0)
            {
                GiveWay(_controller);
            }

            _controller.Group = other;
            other.Add(_controller);
        }

        _group = other;
    }

    public void Leave()
    {
        Vacate();
        owner.Remove(this);
    }

    private void Vacate()
    {
        if (_controller is not null)
        {
            _group.Remove(_controller);
            _controller = null;
        }
    }

    // Links that are the same to the bit, and loaded in step, look like one. Out of step only one queue still rises and falls for
    // both; so whoever comes to others gives way once (docs/decisions/0014). In slow start it is out of step already.
    private static void GiveWay(ICoupledController newcomer)
    {
        if (newcomer.Window >= newcomer.SlowStartThreshold)
        {
            long window = newcomer.Window / GiveWayDivisor * (GiveWayDivisor - 1);
            newcomer.TakeOver(window, Math.Min(newcomer.SlowStartThreshold, window));
        }
    }
}
