using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>A subflow's place in a group: TCP makes the controller, anew when its segment size has changed.</summary>
internal sealed class CouplingSeat(
    ConnectionCoupling owner, int number, CouplingGroup group, Func<CouplingGroup, int, ICoupledController> make)
{
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
}
