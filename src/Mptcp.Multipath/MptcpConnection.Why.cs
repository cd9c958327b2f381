using System.Globalization;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <content>How each path stands, and why.</content>
public sealed partial class MptcpConnection
{
    /// <summary>
    /// Replaces the list's content by what can be said of each path: of the subflows that live, then of those that were lost,
    /// then of our addresses without any.
    /// </summary>
    /// <param name="now">The time, which says how long something is to last.</param>
    /// <param name="destination">Where to.</param>
    public void CopyPaths(Instant now, List<PathInfo> destination)
    {
        destination.Clear();
        for (int i = 0; i < _subflows.Count; i++)
        {
            Subflow subflow = _subflows.Alive[i];
            if (subflow.Connection.State is not (TcpState.Closed or TcpState.TimeWait))
            {
                destination.Add(Describe(now, subflow));
            }
        }

        for (int i = 0; !IsPlain && i < _paths.Lost.Count; i++)
        {
            LostPath lost = _paths.Lost[i];
            if (!destination.Exists(path => path.Subflow >= 0 && _subflows.Find(path.Subflow)!.Pair == lost.Pair))
            {
                destination.Add(Describe(now, lost));
            }
        }

        for (int i = 0; i < _endpoints.All.Count; i++)
        {
            IpAddress address = _endpoints.All[i].Address;
            if (!destination.Exists(path => path.Local == address))
            {
                destination.Add(new PathInfo
                {
                    Local = address,
                    Remote = null,
                    State = PathState.Dead,
                    Subflow = -1,
                    Why = $"no subflow: {WhyNone(address)}",
                    NextTry = Instant.Never,
                });
            }
        }
    }

    private PathInfo Describe(Instant now, Subflow subflow) => new()
    {
        Local = subflow.Local.Address,
        Remote = subflow.Remote,
        State = subflow.Standing.State,
        Subflow = subflow.Number,
        NextTry = Instant.Never,
        Why = subflow.Standing.State switch
        {
            PathState.Probing => "the peer has not answered yet",
            PathState.Backup when subflow.Avoided => "policy avoids it: nothing is sent here while another path works",
            PathState.Backup => $"spared until no other path works: {(subflow.PeerAskedBackup ? "the peer" : "this host")} wants it so",
            PathState.Suspect => subflow.LinkDown
                ? "its link is down"
                : $"silent for {Text(now - subflow.Standing.Since)}; asked again and again",
            _ when subflow.Closing => "on its way to its end",
            _ => _coupling.Why(subflow.Number) is { Length: > 0 } why ? $"carries data; {why}" : "carries data",
        },
    };

    private static PathInfo Describe(Instant now, in LostPath lost)
    {
        bool again = lost.NextTry < Instant.Never;
        string why = lost.Detail.Length == 0 ? lost.Code.Sentence() : $"{lost.Code.Sentence()}, {lost.Detail}";
        string next = again ? $"next try in {Text(Math.Max(0, lost.NextTry - now))}" : "not tried again";
        return new PathInfo
        {
            Local = lost.Pair.Local,
            Remote = lost.Pair.Remote,
            State = again ? PathState.Recovering : PathState.Dead,
            Subflow = -1,
            NextTry = lost.NextTry,
            Why = $"no subflow: {why}; {next}",
        };
    }

    private string WhyNone(IpAddress address)
    {
        if (!IsMultipath)
        {
            return _established ? "the connection is plain TCP" : "the connection is not established";
        }

        PathLimits limits = _endpoints.Limits;
        return _paths.EndpointOf(new IpEndpoint(address, 0)).Use == EndpointUse.Avoid ? "policy avoids the path"
            : address.IsV4 != Remote.Address.IsV4 && _paths.AddressesAccepted == 0 ? "the peer has no address of its family"
            : _subflows.Further >= limits.Subflows ? $"there may be {limits.Subflows} beside the first"
            : _paths.DenyInitialRemote && _paths.AddressesAccepted == 0 ? "the peer takes none at its first address, and has announced no other"
            : _isInitiator ? "the path manager wants none here"
            : "the peer opens them";
    }

    private static string Text(long nanoseconds) => nanoseconds < 10 * Instant.Second
        ? string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / (double)Instant.Second:0.0} s")
        : string.Create(CultureInfo.InvariantCulture, $"{nanoseconds / Instant.Second} s");
}
