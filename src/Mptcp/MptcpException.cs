namespace Mptcp;

/// <summary>
/// An engine or a listener cannot be set up: a right, a tool or a device is missing, or a port is in use. The message is
/// one line that says what is wrong, where, and what to do.
/// </summary>
/// <remarks>
/// What the network or the peer does to a connection is an <see cref="IOException"/> with a
/// <see cref="System.Net.Sockets.SocketException"/> inside.
/// </remarks>
public sealed class MptcpException : Exception
{
    /// <summary>Creates the exception.</summary>
    public MptcpException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public MptcpException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
