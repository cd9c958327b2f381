using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>The two plain connections that a <see cref="TerminatingProxy"/> makes of one.</summary>
internal sealed class ProxiedConnection
{
    private const int Buffer = 64 * 1024;
    private const int V6HeaderExtra = 20;

    private readonly Side _near;
    private readonly Side _far;
    private readonly byte[] _copy = new byte[4096];

    /// <summary>Makes both, closed.</summary>
    /// <param name="near">The near end, in whose name the far side speaks.</param>
    /// <param name="far">The far end, in whose name the near side speaks.</param>
    /// <param name="sequence">Draws an initial sequence number.</param>
    public ProxiedConnection(IpEndpoint near, IpEndpoint far, Func<uint> sequence)
    {
        _near = new Side(far, near, sequence());
        _far = new Side(near, far, sequence());
    }

    public Instant NextTimeout => Instant.Min(_near.Connection.NextTimeout, _far.Connection.NextTimeout);

    /// <summary>Whether nothing is left of either.</summary>
    public bool IsOver => _near.IsClosed && _far.IsClosed;

    /// <summary>Takes the opener's SYN, and opens the other connection.</summary>
    public void Open(Instant now, Heading heading, in TcpSegment syn)
    {
        (Side opener, Side other) = heading == Heading.Outward ? (_near, _far) : (_far, _near);
        opener.Connection.Accept(now, syn);
        other.Connection.Connect();
    }

    public void HandleSegment(Instant now, Heading heading, in TcpSegment segment) =>
        (heading == Heading.Outward ? _near : _far).Connection.HandleSegment(now, segment);

    public void HandleTimeout(Instant now)
    {
        if (_near.Connection.NextTimeout <= now)
        {
            _near.Connection.HandleTimeout(now);
        }

        if (_far.Connection.NextTimeout <= now)
        {
            _far.Connection.HandleTimeout(now);
        }
    }

    /// <summary>Passes bytes on, then writes the next packet of either side.</summary>
    public bool TryTransmit(Instant now, Span<byte> buffer, out Heading heading, out int length)
    {
        Pump(_near, _far);
        Pump(_far, _near);
        heading = Heading.Inward;
        if (_near.Connection.TryTransmit(now, buffer, out length))
        {
            return true;
        }

        heading = Heading.Outward;
        return _far.Connection.TryTransmit(now, buffer, out length);
    }

    private void Pump(Side from, Side to)
    {
        while (to.Room > 0 && from.User.Read(_copy.AsSpan(0, Math.Min(_copy.Length, to.Room))) is > 0 and int count)
        {
            to.User.Write(_copy.AsSpan(0, count));
        }

        if (from.User.WindowUpdateDue)
        {
            from.Connection.RequestAck();
        }

        if (from.User is { PeerFinished: true, Readable: 0 } && !to.Finished)
        {
            to.Finished = true;
            to.Connection.Close();
        }

        if (from.User.CloseReason != TcpCloseReason.None && !to.IsClosed)
        {
            to.Connection.Abort();
        }
    }

    private sealed class Side
    {
        public Side(IpEndpoint local, IpEndpoint remote, uint sequence)
        {
            User = new ByteStreamUser(Buffer, Buffer);
            var configuration = new TcpConfiguration { Local = local, Remote = remote, InitialSequenceNumber = sequence, WindowScale = 0 };
            Connection = new TcpConnection(
                local.Address.IsV4
                    ? configuration
                    : configuration with { MaximumSegmentSize = configuration.MaximumSegmentSize - V6HeaderExtra },
                User);
        }

        public ByteStreamUser User { get; }

        public TcpConnection Connection { get; }

        public bool Finished { get; set; }

        public bool IsClosed => Connection.State == TcpState.Closed;

        public int Room => Buffer - (int)User.Unacknowledged;
    }
}
