namespace Mptcp.Tcp;

/// <summary>Asks a silent peer whether it is still there (RFC 9293 §3.8.4). Off unless the user wants it.</summary>
internal struct KeepAlive(TcpConfiguration configuration)
{
    private TcpConfiguration _configuration = configuration;
    private int _probes;

    public Instant Deadline { get; private set; } = Instant.Never;

    public bool On { get; private set; }

    /// <summary>Whether it is to be on once the connection stands.</summary>
    public readonly bool Wanted => _configuration.KeepAlive;

    /// <summary>Whether the peer left all the probes without an answer: a single lost one proves nothing.</summary>
    public readonly bool Exhausted => _probes > _configuration.KeepAliveProbes;

    public void Turn(Instant now, bool on)
    {
        On = on;
        HandleHeard(now);
    }

    /// <summary>Other times, or on and off; the time of silence begins anew where something of it has changed.</summary>
    public void Follow(Instant now, TcpConfiguration wanted, bool running)
    {
        bool same = (wanted.KeepAlive, wanted.KeepAliveIdle, wanted.KeepAliveInterval, wanted.KeepAliveProbes)
            == (On, _configuration.KeepAliveIdle, _configuration.KeepAliveInterval, _configuration.KeepAliveProbes);
        _configuration = wanted;
        if (!same && running)
        {
            Turn(now, wanted.KeepAlive);
        }
    }

    /// <summary>Something arrived: the peer lives.</summary>
    public void HandleHeard(Instant now)
    {
        _probes = 0;
        Deadline = On ? now + _configuration.KeepAliveIdle : Instant.Never;
    }

    /// <summary>True when a probe is due. While data is out, its retransmission is the better probe.</summary>
    public bool HandleTimeout(Instant now, bool dataOut)
    {
        if (Deadline > now)
        {
            return false;
        }

        if (dataOut)
        {
            HandleHeard(now);
            return false;
        }

        _probes++;
        Deadline = now + _configuration.KeepAliveInterval;
        return !Exhausted;
    }

    public void Stop() => (On, Deadline) = (false, Instant.Never);
}
