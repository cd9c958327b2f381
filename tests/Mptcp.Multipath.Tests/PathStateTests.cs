using Mptcp.Tcp;
using Xunit;

namespace Mptcp.Multipath.Tests;

/// <summary>The table of path states.</summary>
public sealed class PathStateTests
{
    [Fact]
    public void Every_state_can_be_reached_and_only_a_dead_path_stays_as_it_is()
    {
        var reached = new HashSet<PathState> { PathState.Probing };
        for (int i = 0; i < Enum.GetValues<PathState>().Length; i++)
        {
            reached.UnionWith(PathStanding.Transitions.Where(step => reached.Contains(step.Key.From)).Select(step => step.Value));
        }

        Assert.Equal(Enum.GetValues<PathState>().ToHashSet(), reached);
        Assert.Equal(
            Enum.GetValues<PathState>().Except([PathState.Dead]).Order(),
            PathStanding.Transitions.Select(step => step.Key.From).Distinct().Order());
    }

    [Fact]
    public void From_every_living_state_a_path_can_be_lost_or_given_up()
    {
        foreach (PathState state in (PathState[])[PathState.Probing, PathState.Active, PathState.Backup, PathState.Suspect])
        {
            Assert.Equal(PathState.Recovering, PathStanding.Transitions[(state, PathStep.Lost)]);
            Assert.Equal(PathState.Dead, PathStanding.Transitions[(state, PathStep.GivenUp)]);
        }
    }

    [Fact]
    public void A_step_without_transition_changes_nothing()
    {
        var standing = new PathStanding(new Instant(5));
        standing.Take(new Instant(6), PathStep.Answered);
        Assert.Equal((PathState.Probing, new Instant(5)), (standing.State, standing.Since));
        standing.Take(new Instant(7), PathStep.Joined);
        standing.Take(new Instant(8), PathStep.Used);
        Assert.Equal((PathState.Active, new Instant(7)), (standing.State, standing.Since));
    }
}
