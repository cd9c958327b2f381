using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;
using static Mptcp.Native.CallNames;
using static Mptcp.Native.Errno;

namespace Mptcp.Native;

/// <content>Bytes in and out, and what poll and ioctl say of them.</content>
internal sealed partial class NativeSocket
{
    private const int PieceSize = 64 * 1024;

    // What poll calls writable: a third of the buffer, as Linux has it.
    private const int WritableShare = 3;

    /// <summary>What poll says.</summary>
    public int PollMask
    {
        get
        {
            if (_listener is not null)
            {
                return _listener.Ready > 0 ? POLLIN | POLLRDNORM : 0;
            }

            const int Writable = POLLOUT | POLLWRNORM;
            if (_deferred is not null)
            {
                return Writable;
            }

            bool closed = State == TcpState.Closed;
            bool ended = _readShut || PeerFinished || (closed && _stream is not null && EndsReading);
            bool bothShut = (ended && _writeShut) || closed;
            int mask = bothShut ? POLLHUP : 0;
            mask |= ended ? POLLIN | POLLRDNORM | POLLRDHUP : 0;
            if (!IsOpening)
            {
                mask |= _stream?.Readable >= ReadThreshold ? POLLIN | POLLRDNORM : 0;
                mask |= _writeShut || IsWritable ? Writable : 0;
            }

            return mask | (PendingError != 0 ? POLLERR : 0);
        }
    }

    /// <summary>The error that SO_ERROR would give: once.</summary>
    private int PendingError => _error != 0 ? _error
        : _stream is null || _errorTold || State != TcpState.Closed ? 0 : ErrorOf(_stream);

    // In Linux a Multipath TCP socket that never got through does not say that there is nothing to read.
    private bool EndsReading => _protocol == Families.IPPROTO_TCP || _stream!.WasEstablished;

    private bool PeerFinished => _stream is { } stream
        && (stream.EndOfStream || stream.State is TcpState.CloseWait or TcpState.LastAck or TcpState.Closing or TcpState.TimeWait);

    private bool IsWritable
    {
        get
        {
            if (_stream is null || State == TcpState.Closed)
            {
                return true;
            }

            Multipath.ConnectionInfo info = _stream.Info;
            return (_settings.NotSentLowat == 0 || info.NotScheduled < (uint)_settings.NotSentLowat)
                && info.SendRoom * (long)WritableShare >= info.SendRoom + info.SendQueued;
        }
    }

    /// <summary>Reads into a place; returns how much, or an errno.</summary>
    public nint Read(Span<byte> destination, int flags)
    {
        if ((flags & MSG_ERRQUEUE) != 0)
        {
            return -EAGAIN;
        }

        // Multipath TCP does not look at it.
        if ((flags & MSG_OOB) != 0 && _protocol == Families.IPPROTO_TCP)
        {
            return -EINVAL;
        }

        if (_stream is null)
        {
            return TakeError() is > 0 and int error ? -error : -ENOTCONN;
        }

        int count = (flags & MSG_PEEK) != 0 ? _stream.TryPeek(destination)
            : (flags & MSG_TRUNC) != 0 ? Discard(destination.Length)
            : _stream.TryRead(destination);
        bool satisfied = count > 0 || (destination.IsEmpty && (_stream.Readable > 0 || IsOfMultipath));
        return satisfied ? count : WhyNothing();
    }

    /// <summary>Writes; returns how much was taken, or an errno.</summary>
    public nint Write(ReadOnlySpan<byte> bytes, int flags)
    {
        if (TakeError() is > 0 and int error)
        {
            return -error;
        }

        if (_writeShut || (_stream is null && _deferred is null) || (_stream is not null && State == TcpState.Closed))
        {
            return -EPIPE;
        }

        if (_deferred is { } remote)
        {
            _deferred = null;
            return WriteFirst(remote, bytes);
        }

        if (IsOpening)
        {
            return -EAGAIN;
        }

        Cork((flags & MSG_MORE) != 0);
        int count = _stream!.TryWrite(bytes);
        return count > 0 || bytes.IsEmpty ? count : -EAGAIN;
    }

    /// <summary>Connects and writes at once (RFC 7413): MSG_FASTOPEN.</summary>
    public nint WriteTo(ReadOnlySpan<byte> address, ReadOnlySpan<byte> bytes)
    {
        if (address.Length < SocketAddresses.FamilyLength)
        {
            return -EINVAL;
        }

        if (_stream is not null || _listener is not null || _deferred is not null)
        {
            return _protocol == Families.IPPROTO_MPTCP ? -EINVAL : IsOpening ? -EALREADY : -EISCONN;
        }

        int failure = ReadPeer(address, out IpEndpoint remote);
        return failure < 0 ? failure : WriteFirst(remote, bytes);
    }

    public int Ioctl(uint request, out int value)
    {
        value = 0;
        switch (request)
        {
            case FIONREAD when _listener is not null:
            case TIOCOUTQ or SIOCOUTQNSD when _listener is not null && _protocol == Families.IPPROTO_TCP:
                return -EINVAL;
            case FIONREAD:
                value = _protocol == Families.IPPROTO_MPTCP ? ReadHint : IsOpening ? 0 : Readable;
                return 0;
            case TIOCOUTQ:
                value = IsOpening || _stream is null ? 0 : (int)_stream.Unacknowledged;
                return 0;
            case SIOCOUTQNSD:
                value = IsOpening || _stream is null ? 0 : (int)_stream.Info.NotScheduled;
                return 0;
            default:
                return -ENOTTY;
        }
    }

    /// <summary>Bytes that wait to be read.</summary>
    public int Readable => _stream?.Readable ?? 0;

    /// <summary>The same for TCP_INQ: 1 where a read would tell the end of the stream.</summary>
    public int ReadHint => Readable == 0 && (State == TcpState.Closed || PeerFinished) ? 1 : Readable;

    /// <summary>The errno of a connection that ended, 0 for an end in order; what its owner did itself is no error.</summary>
    public static int ErrorOf(StackSocket stream) => stream.CloseReason switch
    {
        TcpCloseReason.Refused => ECONNREFUSED,
        TcpCloseReason.TimedOut => ETIMEDOUT,
        TcpCloseReason.Unreachable => EHOSTUNREACH,
        TcpCloseReason.ResetByPeer => stream.EndOfStream ? EPIPE : ECONNRESET,
        _ => 0,
    };

    private int ReadThreshold => 1;

    /// <summary>The error of the connection, which is told once.</summary>
    private int TakeError()
    {
        int error = PendingError;
        _errorTold |= error != 0;
        _error = 0;
        return error;
    }

    private nint WhyNothing()
    {
        if (PeerFinished)
        {
            return 0;
        }

        if (TakeError() is > 0 and int error)
        {
            return -error;
        }

        return _readShut ? 0
            : State != TcpState.Closed ? -EAGAIN
            : EndsReading ? 0 : -ENOTCONN;
    }

    private int Discard(int count)
    {
        Span<byte> piece = new byte[Math.Min(count, PieceSize)];
        int discarded = 0;
        while (discarded < count && _stream!.TryRead(piece[..Math.Min(piece.Length, count - discarded)]) is > 0 and int read)
        {
            discarded += read;
        }

        return discarded;
    }

    private nint WriteFirst(IpEndpoint remote, ReadOnlySpan<byte> bytes)
    {
        LocalAddress? local = _bound.Address.IsUnspecified ? _host.Route(remote.Address) : _host.Find(_bound.Address);
        if (local is not { } from || from.Address.IsV4 != remote.Address.IsV4 || !_host.Stack.IsUp(from.Link))
        {
            return -ENETUNREACH;
        }

        bool known = _host.Stack.HasFastOpenCookie(_host.Now, from.Address, remote);
        int failure = Open(remote, from, fastOpen: true);
        if (failure < 0)
        {
            return failure;
        }

        // Without a cookie the SYN asks for one, and takes no data along.
        int count = known ? _stream!.TryWrite(bytes) : 0;
        return count > 0 ? count : -EINPROGRESS;
    }

    /// <summary>MSG_MORE corks until the first write without it.</summary>
    private void Cork(bool more)
    {
        if (more != _more)
        {
            _more = more;
            Follow();
        }
    }
}
