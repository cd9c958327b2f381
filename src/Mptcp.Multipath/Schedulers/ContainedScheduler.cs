using System.Diagnostics.CodeAnalysis;

namespace Mptcp.Multipath;

/// <summary>A connection's scheduler, which may be anybody's: when it throws, the default takes its place for good.</summary>
/// <param name="scheduler">The first.</param>
/// <param name="failed">Is told of what was thrown.</param>
[SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It is code of the user.")]
internal sealed class ContainedScheduler(IScheduler scheduler, Action<Exception> failed) : IScheduler
{
    private IScheduler _scheduler = scheduler;

    public bool Duplicates
    {
        get
        {
            try
            {
                return _scheduler.Duplicates;
            }
            catch (Exception e)
            {
                return Replace(e).Duplicates;
            }
        }
    }

    public void Switch(IScheduler other) => _scheduler = other;

    public long Rank(in SubflowSample sample)
    {
        try
        {
            return _scheduler.Rank(sample);
        }
        catch (Exception e)
        {
            return Replace(e).Rank(sample);
        }
    }

    public bool IsFull(in SubflowSample sample)
    {
        try
        {
            return _scheduler.IsFull(sample);
        }
        catch (Exception e)
        {
            return Replace(e).IsFull(sample);
        }
    }

    public bool Rests(in SubflowSample sample, in SubflowSample best, in ConnectionSample connection)
    {
        try
        {
            return _scheduler.Rests(sample, best, connection);
        }
        catch (Exception e)
        {
            return Replace(e).Rests(sample, best, connection);
        }
    }

    private IScheduler Replace(Exception thrown)
    {
        failed(thrown);
        return _scheduler = SchedulerCatalog.Default();
    }
}
