using Mptcp.Wire;

namespace Mptcp.Tcp;

/// <summary>
/// What the path takes in one packet, as ICMP tells (RFC 1191, RFC 8201) or as silence suggests (RFC 4821 §7.7): full
/// segments that vanish again and again are tried smaller. What was learnt is forgotten after ten minutes; what silence suggests,
/// as soon as the path answers, where smaller segments vanished as well, or where it is suggested for the first time: a path that
/// was dark for a while would carry small segments for ten minutes.
/// </summary>
internal struct PathMtu(bool isV4)
{
    private const long Lifetime = 600 * Instant.Second;
    private const int SilentTimeouts = 2;

    // What RFC 4821 §7.2 begins a search with.
    private const int SearchSize = 1024;
    private readonly int _least = isV4 ? 512 : 1220;
    private int _agreed;
    private int _beforeSilence;
    private int _through;
    private int _timeouts;
    private bool _suspected;

    /// <summary>When the agreed size is to be tried again.</summary>
    public Instant Deadline { get; private set; } = Instant.Never;

    /// <summary>
    /// A router has told of a packet size. The segment size that <paramref name="mtu"/> bytes allow, headers without options taken
    /// off: no larger one is tried before what was learnt is too old (RFC 1191 §6.3).
    /// </summary>
    public int SizeOf(int mtu, int headers)
    {
        int size = Math.Max(mtu - headers, _least);
        _beforeSilence = Math.Min(_beforeSilence, size);
        return size;
    }

    /// <summary>The size to go on with after a timeout of a segment of <paramref name="length"/> bytes, or the same one.</summary>
    public int AfterTimeout(int timeouts, int segmentSize, int length)
    {
        // What is longer than a size that came through is full as well: the rest of a segment that was cut may be.
        bool full = length > 0 && (length + TcpPacket.MaxOptionsLength >= segmentSize || (_through > 0 && length > _through));
        if (!full || timeouts % SilentTimeouts != 0 || segmentSize <= _least)
        {
            return segmentSize;
        }

        _beforeSilence = Math.Max(_beforeSilence, segmentSize);
        _timeouts = timeouts;
        return segmentSize > SearchSize ? Math.Max(SearchSize, _least) : _least;
    }

    public void HandleReduced(Instant now, int before)
    {
        _agreed = Math.Max(_agreed, before);
        Deadline = now + Lifetime;
    }

    /// <summary>
    /// An acknowledgement of a segment of <paramref name="length"/> bytes has come after so many timeouts in a row. True when
    /// <paramref name="size"/>, which was used before the silence, is to be tried again.
    /// </summary>
    public bool HandleAcknowledged(int length, int timeouts, out int size)
    {
        size = _beforeSilence;
        if (_beforeSilence == 0)
        {
            if (_through > 0 && length > _through)
            {
                (_through, _suspected) = (length, false);
            }

            return false;
        }

        bool dark = timeouts > _timeouts;
        bool again = dark || !_suspected;
        _suspected |= !dark;
        (_beforeSilence, _through) = (0, length);
        if (again && size == _agreed)
        {
            Deadline = Instant.Never;
        }

        return again;
    }

    /// <summary>True when the learnt size is too old: <paramref name="size"/> is then what was agreed.</summary>
    public bool TryForget(Instant now, out int size)
    {
        size = _agreed;
        if (Deadline > now)
        {
            return false;
        }

        (Deadline, _beforeSilence) = (Instant.Never, 0);
        return true;
    }
}
