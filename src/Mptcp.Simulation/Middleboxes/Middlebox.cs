using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>Which way a packet goes, as a middlebox sees it that stands before one end of a path.</summary>
public enum Heading
{
    /// <summary>From the node beside it out onto the path.</summary>
    Outward,

    /// <summary>From the path to the node beside it.</summary>
    Inward,
}

/// <summary>
/// What stands at the beginning of one direction of a path, and does to its packets what its name says. It sees the packets of
/// the other direction as well, when they arrive. Packets and time in, packets and a deadline out: the same input gives the
/// same output. What it does not understand, or what is damaged, it passes on as it is.
/// </summary>
public abstract class Middlebox
{
    private protected Middlebox()
    {
    }

    /// <summary>When <see cref="HandleTimeout"/> wants to be called.</summary>
    public virtual Instant NextTimeout => Instant.Never;

    /// <summary>Takes a packet; what does not go to <paramref name="output"/> in this call or a later one is kept.</summary>
    /// <param name="now">The time.</param>
    /// <param name="heading">Which way it goes.</param>
    /// <param name="packet">The IP packet; its bytes are the box's during the call.</param>
    /// <param name="output">Where packets leave.</param>
    public abstract void HandlePacket(Instant now, Heading heading, Span<byte> packet, MiddleboxOutput output);

    /// <summary>Runs what is due at <paramref name="now"/>.</summary>
    /// <param name="now">The time.</param>
    /// <param name="output">Where packets leave.</param>
    public virtual void HandleTimeout(Instant now, MiddleboxOutput output)
    {
    }
}

/// <summary>Where the packets of a middlebox leave. They are copied.</summary>
public abstract class MiddleboxOutput
{
    /// <summary>A packet leaves: the one that came, another, or one of the box's own.</summary>
    public abstract void Send(Heading heading, ReadOnlySpan<byte> packet);

    /// <summary>A packet that came goes no further; told for traces and counts.</summary>
    public abstract void Drop(Heading heading, ReadOnlySpan<byte> packet);
}
