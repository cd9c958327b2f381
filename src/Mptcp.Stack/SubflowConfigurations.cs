using System.Buffers.Binary;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>What each new subflow is told: the host's options, and the numbers that nobody outside may guess.</summary>
internal sealed class SubflowConfigurations(StackOptions options, IEntropySource entropy)
{
    private readonly InitialSequenceNumbers _sequenceNumbers = new(entropy);

    /// <summary>The ports for outgoing connections, each once, from a random one on (RFC 6056 §3.3.1).</summary>
    public IEnumerable<ushort> EphemeralPorts()
    {
        int range = ushort.MaxValue + 1 - options.FirstEphemeralPort;
        int start = (int)(Draw() % (uint)range);
        for (int i = 0; i < range; i++)
        {
            yield return (ushort)(options.FirstEphemeralPort + (start + i) % range);
        }
    }

    /// <summary>The configuration of a subflow over a link with this MTU.</summary>
    public TcpConfiguration Make(Instant now, int mtu, IpEndpoint local, IpEndpoint remote) => new()
    {
        Local = local,
        Remote = remote,
        InitialSequenceNumber = _sequenceNumbers.Next(now, local, remote),
        MaximumSegmentSize = mtu - TcpPacket.PayloadOffset(local.Address.IsV4, optionsLength: 0),
        WindowScale = options.WindowScale,
        TimestampOffset = Draw(),
        CongestionControl = options.CongestionControl,
        MinimumRto = options.MinimumRto,
        KeepAlive = options.KeepAlive,
        KeepAliveIdle = options.KeepAliveIdle,
        KeepAliveInterval = options.KeepAliveInterval,
        KeepAliveProbes = options.KeepAliveProbes,
        UserTimeout = options.UserTimeout,
    };

    private uint Draw()
    {
        Span<byte> bytes = stackalloc byte[4];
        entropy.Fill(bytes);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }
}
