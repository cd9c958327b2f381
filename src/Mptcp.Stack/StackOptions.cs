using Mptcp.Multipath;

namespace Mptcp.Stack;

/// <summary>What a stack is told at its birth.</summary>
public sealed record StackOptions
{
    /// <summary>Buffers and preferences of each connection.</summary>
    public MptcpSettings Connection { get; init; } = new();

    /// <summary>What the buffers of all connections may take together, in bytes. A SYN beyond it stays unanswered.</summary>
    public long Memory { get; init; } = 1L << 30;

    /// <summary>The first port of those that outgoing connections get, to 65535.</summary>
    public ushort FirstEphemeralPort { get; init; } = 32768;

    /// <summary>The shift that makes the receive buffer fit the 16 bits of the window (RFC 7323 §2.3), 0 to 14.</summary>
    public byte WindowScale
    {
        get
        {
            byte shift = 0;
            while (shift < 14 && (Connection.ReceiveBuffer >> shift) > ushort.MaxValue)
            {
                shift++;
            }

            return shift;
        }
    }
}
