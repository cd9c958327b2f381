using Mptcp.Tcp;

namespace Mptcp.Multipath;

/// <summary>How a path stands.</summary>
public enum PathState
{
    /// <summary>A subflow is being opened on it.</summary>
    Probing,

    /// <summary>It carries data.</summary>
    Active,

    /// <summary>It works, and is used only when no other does (RFC 8684 §3.3.8).</summary>
    Backup,

    /// <summary>It is silent although others deliver, or its link is down: it gets no data, and is asked.</summary>
    Suspect,

    /// <summary>Its subflow is lost, and will be opened again.</summary>
    Recovering,

    /// <summary>It has no subflow, and will have none by itself.</summary>
    Dead,
}

/// <summary>What moves a path from one state to another.</summary>
internal enum PathStep
{
    /// <summary>Its subflow can carry data.</summary>
    Joined,

    /// <summary>One end wants it spared.</summary>
    Spared,

    /// <summary>No end wants it spared any more.</summary>
    Used,

    /// <summary>It delivers nothing.</summary>
    Silenced,

    /// <summary>It was heard of again.</summary>
    Answered,

    /// <summary>Its subflow has ended, and there will be another.</summary>
    Lost,

    /// <summary>Its subflow has ended, and there will be no other.</summary>
    GivenUp,
}

/// <summary>The state of a path and since when; what follows what is one table.</summary>
internal sealed class PathStanding(Instant opened)
{
    /// <summary>
    /// All transitions. A step that has none where the path is changes nothing. A new subflow on the same path begins with
    /// <see cref="PathState.Probing"/>.
    /// </summary>
    public static readonly IReadOnlyDictionary<(PathState From, PathStep Step), PathState> Transitions =
        new Dictionary<(PathState From, PathStep Step), PathState>
        {
            [(PathState.Probing, PathStep.Joined)] = PathState.Active,
            [(PathState.Probing, PathStep.Lost)] = PathState.Recovering,
            [(PathState.Probing, PathStep.GivenUp)] = PathState.Dead,
            [(PathState.Active, PathStep.Spared)] = PathState.Backup,
            [(PathState.Active, PathStep.Silenced)] = PathState.Suspect,
            [(PathState.Active, PathStep.Lost)] = PathState.Recovering,
            [(PathState.Active, PathStep.GivenUp)] = PathState.Dead,
            [(PathState.Backup, PathStep.Used)] = PathState.Active,
            [(PathState.Backup, PathStep.Silenced)] = PathState.Suspect,
            [(PathState.Backup, PathStep.Lost)] = PathState.Recovering,
            [(PathState.Backup, PathStep.GivenUp)] = PathState.Dead,
            [(PathState.Suspect, PathStep.Answered)] = PathState.Active,
            [(PathState.Suspect, PathStep.Lost)] = PathState.Recovering,
            [(PathState.Suspect, PathStep.GivenUp)] = PathState.Dead,
            [(PathState.Recovering, PathStep.GivenUp)] = PathState.Dead,
        };

    public PathState State { get; private set; } = PathState.Probing;

    public Instant Since { get; private set; } = opened;

    public void Take(Instant now, PathStep step)
    {
        if (Transitions.TryGetValue((State, step), out PathState next))
        {
            (State, Since) = (next, now);
        }
    }
}

/// <summary>What can be said of a path: of a subflow, of one that was lost, or of an address of ours without any.</summary>
public readonly record struct PathInfo
{
    /// <summary>Our address.</summary>
    public required Wire.IpAddress Local { get; init; }

    /// <summary>The peer's address and port; null where there never was a subflow.</summary>
    public required Wire.IpEndpoint? Remote { get; init; }

    /// <summary>How it stands.</summary>
    public required PathState State { get; init; }

    /// <summary>The number of its subflow, or -1.</summary>
    public required int Subflow { get; init; }

    /// <summary>Why it stands so, for people: no capital, no full stop.</summary>
    public required string Why { get; init; }

    /// <summary>When it is tried again; never for one that is not, or has a subflow.</summary>
    public Instant NextTry { get; init; }
}
