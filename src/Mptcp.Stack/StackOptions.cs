namespace Mptcp.Stack;

/// <summary>What a stack is told at its birth.</summary>
public sealed record StackOptions
{
    /// <summary>The send buffer of a connection in bytes.</summary>
    public int SendBuffer { get; init; } = 4 * 1024 * 1024;

    /// <summary>The receive buffer of a connection in bytes; the window scale follows from it.</summary>
    public int ReceiveBuffer { get; init; } = 4 * 1024 * 1024;

    /// <summary>The first port of those that outgoing connections get, to 65535.</summary>
    public ushort FirstEphemeralPort { get; init; } = 32768;

    /// <summary>The shift that makes the receive buffer fit the 16 bits of the window (RFC 7323 §2.3), 0 to 14.</summary>
    public byte WindowScale
    {
        get
        {
            byte shift = 0;
            while (shift < 14 && (ReceiveBuffer >> shift) > ushort.MaxValue)
            {
                shift++;
            }

            return shift;
        }
    }
}
