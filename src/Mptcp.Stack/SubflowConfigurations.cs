using System.Buffers.Binary;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>What each new subflow is told: its connection's options, and the numbers that nobody outside may guess.</summary>
/// <param name="firstPort">The first of the ports for outgoing connections.</param>
/// <param name="entropy">Where those numbers come from.</param>
internal sealed class SubflowConfigurations(ushort firstPort, IEntropySource entropy)
{
    private readonly InitialSequenceNumbers _sequenceNumbers = new(entropy);

    /// <summary>The ports for outgoing connections, each once, from a random one on (RFC 6056 §3.3.1).</summary>
    public IEnumerable<ushort> EphemeralPorts()
    {
        int range = ushort.MaxValue + 1 - firstPort;
        int start = (int)(Draw() % (uint)range);
        for (int i = 0; i < range; i++)
        {
            yield return (ushort)(firstPort + (start + i) % range);
        }
    }

    /// <summary>The configuration of a subflow over a link with this MTU.</summary>
    public TcpConfiguration Make(Instant now, SocketOptions options, int mtu, IpEndpoint local, IpEndpoint remote)
    {
        int fits = mtu - TcpPacket.PayloadOffset(local.Address.IsV4, optionsLength: 0);
        var configuration = new TcpConfiguration
        {
            Local = local,
            Remote = remote,
            InitialSequenceNumber = _sequenceNumbers.Next(now, local, remote),
            MaximumSegmentSize = options.MaximumSegmentSize > 0 ? Math.Min(options.MaximumSegmentSize, fits) : fits,
            WindowScale = options.WindowScale,
            TimestampOffset = Draw(),
            MinimumRto = options.MinimumRto,
            SelectiveAcks = options.SelectiveAcks,
        };
        return Change(configuration, options);
    }

    /// <summary>The configuration with what may change while a subflow runs (<see cref="TcpConnection.Follow"/>).</summary>
    public static TcpConfiguration Change(TcpConfiguration configuration, SocketOptions options) => configuration with
    {
        CongestionControl = options.CongestionControl,
        NoDelay = options.NoDelay,
        Corked = options.Corked,
        TrafficClass = options.TrafficClass,
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
