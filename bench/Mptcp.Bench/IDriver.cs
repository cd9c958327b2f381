using Mptcp.Lab;

namespace Mptcp.Bench;

/// <summary>Who talks to whom: makes a connection in a laboratory and sends a stream from client to server.</summary>
internal interface IDriver
{
    /// <summary>As in <c>kernel-kernel</c>: the client first.</summary>
    string Name { get; }

    /// <summary>Who is the client.</summary>
    LabPeer Client { get; }

    /// <summary>Who is the server.</summary>
    LabPeer Server { get; }

    /// <summary>Connects, calls <paramref name="connected"/>, sends all of the payload, and receives to its end.</summary>
    Task<SenderCounts> TransferAsync(
        TwoPathLab lab, Payload payload, StreamMeter meter, Action connected, CancellationToken cancellationToken);
}
