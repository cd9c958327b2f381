using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <content>How it ends, and how it goes on without a subflow.</content>
public sealed partial class MptcpConnection
{
    private readonly BreakBeforeMake _break = new();
    private readonly FastClose _fastClose = new();

    /// <summary>
    /// Ends both directions at once (RFC 8684 §3.5): a RST with MP_FASTCLOSE on every subflow, or, as the settings say, an
    /// ACK with it on one subflow, which is repeated until the peer answers with a RST, and RSTs on the others.
    /// </summary>
    public void Abort()
    {
        Subflow? carrier = _settings.FastCloseByAck && IsMultipath ? _subflows.FirstUsable : null;
        Fail(TcpCloseReason.Aborted);
        if (carrier is null)
        {
            _fastClose.BeginByReset();
        }
        else
        {
            _fastClose.BeginByAck(Now, carrier);
        }

        AbortAll(carrier);
    }

    internal bool CarriesFastClose(Subflow subflow) => _fastClose.Carrier == subflow;

    internal void WriteFastClose(ref TcpOptionWriter writer) => new MpFastCloseOption(RemoteKey).TryWrite(ref writer);

    internal void HandleReset(Subflow subflow, in SegmentOptions options)
    {
        if (options.FastClose is { } fastClose && !IsPlain && IsOurKey(subflow, fastClose))
        {
            HandleFastClose(subflow);
        }

        subflow.ResetReceived = options.Reset;
        subflow.IsPathRefused |= options.Reset is { Transient: false, Reason: not MpTcpRstReason.Unspecified };
        subflow.Ends(
            options.Fail is not null ? ConnectionEventCode.PeerChecksumFailed
                : subflow.Connection.State == TcpState.SynSent ? ConnectionEventCode.Refused
                : ConnectionEventCode.ResetByPeer,
            options.Reset is { } reset ? $"reason {reset.Reason}" : "");
    }

    /// <summary>Whether MP_FASTCLOSE proves that its sender knows the connection; otherwise it has no effect.</summary>
    internal bool IsOurKey(Subflow subflow, in MpFastCloseOption option)
    {
        bool ours = option.ReceiverKey == LocalKey;
        if (!ours)
        {
            NoteRefused(DropReason.BadKey);
            _events.Add(ConnectionEventKind.SignalIgnored, subflow, ConnectionEventCode.WrongFastCloseKey);
        }

        return ours;
    }

    /// <summary>The peer ends everything; each other subflow is answered with a RST (RFC 8684 §3.5).</summary>
    internal void HandleFastClose(Subflow by)
    {
        by.Ends(ConnectionEventCode.FastClosed);
        if (!_closed && !IsComplete)
        {
            _events.Add(ConnectionEventKind.ConnectionFailed, by, ConnectionEventCode.FastClosed);
        }

        Fail(IsComplete ? TcpCloseReason.None : TcpCloseReason.ResetByPeer);
        AbortAll(except: by);
    }

    private void HandleEnd(Subflow subflow, TcpCloseReason reason)
    {
        if (!IsPlain)
        {
            subflow.ReinjectAll(_sender);
        }

        if (_fastClose.Carrier == subflow)
        {
            _fastClose.End();
        }

        if (_subflows.AnyAlive)
        {
            return;
        }

        _fail.Settle();
        if (_confirmed && !IsPlain && !_closed && !IsComplete && _settings.CloseTimeout > 0)
        {
            if (!_break.Waiting)
            {
                _events.Add(ConnectionEventKind.SubflowsLost, subflow, ConnectionEventCode.NoPathLeft);
            }

            _break.Begin(
                Now, _settings.CloseTimeout, _isInitiator, stuckAt: _sender.Una < _sender.Next ? _sender.Una : null);
            return;
        }

        // Of a stream that is complete both ways, how the last subflow ends is of no interest. Of one that is not, only the
        // user's own abort, which came here before, is an abort.
        Fail(IsPlain ? reason
            : IsComplete ? TcpCloseReason.None
            : reason is TcpCloseReason.None or TcpCloseReason.Aborted ? TcpCloseReason.ResetByPeer : reason);
        Unregister();
    }

    /// <summary>A subflow has joined a connection that had none: what nobody acknowledged goes again.</summary>
    private void HandleRejoined()
    {
        if (_break.Waiting)
        {
            _break.End();
            _sender.Restart();
            _sender.Reinject(_sender.Una, _sender.Next, source: null);
            if (_sender is { FinSent: true, FinAcknowledged: false })
            {
                _subflows.RequestFin();
            }
        }
    }

    private void HandleBreakTimeout()
    {
        if (!_break.Waiting)
        {
            return;
        }

        if (_break.HasExpired(Now))
        {
            _break.End();
            _events.Add(ConnectionEventKind.ConnectionFailed, _initial, ConnectionEventCode.NoPathCame);
            Fail(TcpCloseReason.TimedOut);
            AbortAll(except: null);
        }
        else if (_break.IsAttemptDue(Now))
        {
            _paths.TryAgain();
        }
    }

    /// <summary>The data is complete and subflows still wait; or nobody reads what the peer does not end.</summary>
    private void HandleLingerTimeout()
    {
        _lingerDeadline = Instant.Never;
        if (IsComplete)
        {
            _subflows.AbortUnfinished();
        }
        else
        {
            Abort();
        }
    }

    private void HandleFastCloseTimeout()
    {
        if (_fastClose.HandleTimeout(Now))
        {
            AbortAll(except: null);
        }
    }
}
