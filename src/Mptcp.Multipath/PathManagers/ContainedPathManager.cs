using System.Diagnostics.CodeAnalysis;

namespace Mptcp.Multipath;

/// <summary>
/// A connection's path manager, which may be anybody's: when it throws, or asks for a subflow that cannot be, the default
/// takes its place for good.
/// </summary>
/// <param name="manager">The first.</param>
/// <param name="failed">Is told of what was thrown.</param>
[SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "It is code of the user.")]
internal sealed class ContainedPathManager(IPathManager manager, Action<Exception> failed) : IPathManager
{
    private static readonly EndpointPaths _default = new();
    private IPathManager _manager = manager;

    public bool Recreates
    {
        get
        {
            try
            {
                return _manager.Recreates;
            }
            catch (Exception e)
            {
                return Replace(e).Recreates;
            }
        }
    }

    public void Switch(IPathManager other) => _manager = other;

    public bool Announces(PathView view, in LocalEndpoint endpoint)
    {
        try
        {
            return _manager.Announces(view, endpoint);
        }
        catch (Exception e)
        {
            return Replace(e).Announces(view, endpoint);
        }
    }

    public bool TryNext(PathView view, out JoinRequest request)
    {
        try
        {
            bool found = _manager.TryNext(view, out request);
            if (!found || view.WasTaken(request))
            {
                return found;
            }

            throw new InvalidOperationException($"{request.From.Address} to {request.Remote} was not taken from the view");
        }
        catch (Exception e)
        {
            return Replace(e).TryNext(view, out request);
        }
    }

    private EndpointPaths Replace(Exception thrown)
    {
        failed(thrown);
        _manager = _default;
        return _default;
    }
}
