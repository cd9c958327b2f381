using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>Fast Open of one host (RFC 7413): what connections are told, and what is learnt from them.</summary>
internal sealed class FastOpen(IEntropySource entropy)
{
    private readonly FastOpenCookies _cookies = new(entropy);
    private readonly FastOpenCache _cache = new();

    /// <summary>The server's answer to a SYN (RFC 7413 §4.2.2); null where it has nothing to do with Fast Open.</summary>
    public TcpFastOpen? Answer(Instant now, StackListener listener, in TcpSegment syn)
    {
        if (!listener.FastOpen.Enabled)
        {
            return null;
        }

        _ = TcpOptions.TryParse(syn.Options, out TcpOptions options);
        if (options.FastOpen is not { } cookie || !listener.FastOpen.HasRoom(now))
        {
            return null;
        }

        FastOpenCookie fresh = _cookies.Make(now, syn.Source.Address);
        bool valid = _cookies.IsValid(now, syn.Source.Address, cookie);
        bool current = valid && cookie == fresh.Truncate(cookie.Length);
        return new TcpFastOpen { TakeData = valid, Cookie = current ? null : fresh };
    }

    /// <summary>What a client knows of a peer; null where Fast Open is not to be tried now.</summary>
    public TcpFastOpen? Find(Instant now, IpAddress local, IpEndpoint remote) => _cache.Find(now, local, remote);

    /// <summary>Takes note of what became of a connection that came or went with Fast Open, as soon as it is known.</summary>
    public void Settle(Instant now, StackSocket socket)
    {
        if (socket.Opening is { } requests && socket.State != TcpState.SynReceived)
        {
            socket.Opening = null;
            requests.End(now, failed: socket.State == TcpState.Closed);
        }

        if (socket.Told is { } told && socket.State is not (TcpState.SynSent or TcpState.SynReceived))
        {
            socket.Told = null;
            _cache.Learn(now, socket.Local.Address, socket.Remote, told, socket.FastOpenOutcome, socket.CloseReason);
        }
    }
}
