namespace Mptcp.Tcp;

/// <summary>
/// Proportional rate reduction (RFC 6937 as its revision has it, with the reduction bound that looks at each
/// acknowledgement): in fast recovery what leaves follows what arrives, so that the window comes down over one round trip
/// with neither a pause nor a burst.
/// </summary>
internal struct ProportionalRateReduction
{
    private long _delivered;
    private long _sent;
    private long _flight;

    /// <summary>How many bytes may be in flight now.</summary>
    public long Window { get; private set; }

    /// <summary>Recovery begins with <paramref name="flight"/> bytes in flight.</summary>
    public void Begin(long flight)
    {
        (_delivered, _sent, _flight) = (0, 0, Math.Max(flight, 1));
        Window = flight;
    }

    /// <summary>An acknowledgement brought <paramref name="delivered"/> bytes.</summary>
    /// <param name="delivered">Bytes newly acknowledged, selectively or not.</param>
    /// <param name="inFlight">Bytes in flight after it.</param>
    /// <param name="target">The window at the end of recovery.</param>
    /// <param name="segmentSize">A full segment in bytes.</param>
    /// <param name="progress">Whether SND.UNA moved and nothing more was found lost.</param>
    public void HandleAck(long delivered, long inFlight, long target, int segmentSize, bool progress)
    {
        if (delivered == 0)
        {
            return;
        }

        _delivered += delivered;
        long allowed;
        if (inFlight > target)
        {
            allowed = (long)((((Int128)_delivered * target) + _flight - 1) / _flight) - _sent;
        }
        else
        {
            allowed = Math.Max(_delivered - _sent, delivered) + (progress ? segmentSize : 0);
            allowed = Math.Min(allowed, target - inFlight);
        }

        Window = inFlight + Math.Max(allowed, 0);
    }

    /// <summary>Bytes left, new or not.</summary>
    public void HandleSent(int bytes) => _sent += bytes;
}
