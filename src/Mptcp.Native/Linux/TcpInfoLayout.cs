using System.Runtime.InteropServices;
using Mptcp.Tcp;

namespace Mptcp.Native;

/// <summary>struct tcp_info of Linux.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct TcpInfoLayout
{
    /// <summary>TCP_CLOSE.</summary>
    public const byte Closed = 7;

    /// <summary>TCP_LISTEN.</summary>
    public const byte Listening = 10;

    private const byte OptionTimestamps = 1;
    private const byte OptionSack = 2;
    private const byte OptionWindowScale = 4;
    private const byte OptionEcn = 8;
    private const byte OptionSynData = 32;
    private const byte StateRecovery = 3;
    private const byte StateLoss = 4;
    private const uint InfiniteThreshold = 0x7fffffff;

    public byte State;
    public byte RecoveryState;
    public byte Retransmits;
    public byte Probes;
    public byte Backoff;
    public byte Options;
    public byte WindowScales;
    public byte Limits;
    public uint Rto;
    public uint Ato;
    public uint SendMss;
    public uint ReceiveMss;
    public uint Unacknowledged;
    public uint Sacked;
    public uint Lost;
    public uint Retransmitted;
    public uint Fackets;
    public uint LastDataSent;
    public uint LastAckSent;
    public uint LastDataReceived;
    public uint LastAckReceived;
    public uint PathMtu;
    public uint ReceiveThreshold;
    public uint Rtt;
    public uint RttVariation;
    public uint SendThreshold;
    public uint CongestionWindow;
    public uint AnnouncedMss;
    public uint Reordering;
    public uint ReceiveRtt;
    public uint ReceiveSpace;
    public uint AllRetransmissions;
    public ulong PacingRate;
    public ulong LargestPacingRate;
    public ulong BytesAcknowledged;
    public ulong BytesReceived;
    public uint SegmentsOut;
    public uint SegmentsIn;
    public uint NotSentBytes;
    public uint LeastRtt;
    public uint DataSegmentsIn;
    public uint DataSegmentsOut;
    public ulong DeliveryRate;
    public ulong BusyTime;
    public ulong WindowLimited;
    public ulong BufferLimited;
    public uint Delivered;
    public uint DeliveredMarked;
    public ulong BytesSent;
    public ulong BytesRetransmitted;
    public uint DuplicateSacks;
    public uint ReorderingSeen;
    public uint OutOfOrderPackets;
    public uint SendWindow;
    public uint ReceiveWindow;
    public uint Rehashes;
    public ushort AllTimeouts;
    public ushort TimeoutRecoveries;
    public uint TimeoutTime;

    // What Linux 6.18 has behind it is about accurate ECN, which this engine does not speak.
    private readonly ulong _accurateEcn1;
    private readonly ulong _accurateEcn2;
    private readonly ulong _accurateEcn3;
    private readonly ulong _accurateEcn4;

    /// <summary>What TCP says of a connection, in the units of Linux: microseconds, segments, milliseconds since.</summary>
    public static TcpInfoLayout From(in TcpInfo info, Instant now)
    {
        uint segment = (uint)Math.Max(info.SegmentSize, 1);
        return new TcpInfoLayout
        {
            State = ToLinux(info.State),
            RecoveryState = info.InTimeoutRecovery ? StateLoss : info.InFastRecovery ? StateRecovery : (byte)0,
            Retransmits = (byte)Math.Min(info.Timeouts, byte.MaxValue),
            Probes = (byte)Math.Min(info.Probes, byte.MaxValue),
            Backoff = (byte)Math.Min(info.Timeouts, byte.MaxValue),
            Options = OptionsOf(info),
            WindowScales = (byte)(info.PeerWindowShift | (info.WindowShift << 4)),
            Limits = info.RateIsApplicationLimited ? (byte)1 : (byte)0,
            Rto = Microseconds(info.RetransmissionTimeout),
            Ato = Microseconds(info.DelayedAck),
            SendMss = segment,
            ReceiveMss = (uint)info.PeerSegmentSize,
            Unacknowledged = (uint)info.Unacknowledged,
            Sacked = (uint)info.Sacked,
            Lost = (uint)info.Lost,
            Retransmitted = (uint)info.Retransmitted,
            LastDataSent = Since(info.Counts.LastDataSent, now),
            LastDataReceived = Since(info.Counts.LastDataReceived, now),
            LastAckReceived = Since(info.Counts.LastAckReceived, now),
            PathMtu = (uint)info.PathMtu,
            ReceiveThreshold = (uint)Math.Min(info.ReceiveWindow, uint.MaxValue),
            Rtt = Microseconds(info.SmoothedRtt),
            RttVariation = Microseconds(info.RttVariation),
            SendThreshold = info.SlowStartThreshold >= InfiniteThreshold ? InfiniteThreshold : (uint)(info.SlowStartThreshold / segment),
            CongestionWindow = (uint)Math.Min(info.CongestionWindow / segment, uint.MaxValue),
            AnnouncedMss = (uint)info.AnnouncedSegmentSize,
            Reordering = 3,
            ReceiveSpace = (uint)Math.Min(info.ReceiveWindow, uint.MaxValue),
            AllRetransmissions = (uint)info.Retransmissions,
            PacingRate = info.PacingRate == 0 ? ulong.MaxValue : (ulong)info.PacingRate,
            LargestPacingRate = ulong.MaxValue,
            BytesAcknowledged = (ulong)info.BytesAcknowledged,
            BytesReceived = (ulong)info.BytesReceived,
            SegmentsOut = (uint)info.Counts.Sent,
            SegmentsIn = (uint)info.Counts.Received,
            NotSentBytes = (uint)Math.Min(info.BytesNotSent, uint.MaxValue),
            LeastRtt = info.MinimumRtt == 0 ? uint.MaxValue : Microseconds(info.MinimumRtt),
            DataSegmentsIn = (uint)info.Counts.DataReceived,
            DataSegmentsOut = (uint)info.Counts.DataSent,
            DeliveryRate = (ulong)info.DeliveryRate,
            Delivered = (uint)(info.Counts.DataSent - info.Retransmissions - info.Unacknowledged is > 0 and var delivered ? delivered : 0),
            BytesSent = (ulong)info.BytesSent,
            BytesRetransmitted = (ulong)info.BytesRetransmitted,
            SendWindow = (uint)Math.Min(info.SendWindow, uint.MaxValue),
            ReceiveWindow = (uint)Math.Min(info.ReceiveWindow, uint.MaxValue),
            AllTimeouts = (ushort)Math.Min(info.AllTimeouts, ushort.MaxValue),
        };
    }

    /// <summary>TCP_ESTABLISHED is 1 there, and so on.</summary>
    public static byte ToLinux(TcpState state) => state switch
    {
        TcpState.Established => 1,
        TcpState.SynSent => 2,
        TcpState.SynReceived => 3,
        TcpState.FinWait1 => 4,
        TcpState.FinWait2 => 5,
        TcpState.TimeWait => 6,
        TcpState.CloseWait => 8,
        TcpState.LastAck => 9,
        TcpState.Closing => 11,
        _ => Closed,
    };

    private static byte OptionsOf(in TcpInfo info) => (byte)(
        (info.Timestamps ? OptionTimestamps : 0) | (info.Sack ? OptionSack : 0) | (info.WindowScaling ? OptionWindowScale : 0)
        | (info.Ecn ? OptionEcn : 0) | (info.FastOpened ? OptionSynData : 0));

    private static uint Microseconds(long nanoseconds) => (uint)Math.Min(nanoseconds / 1000, uint.MaxValue);

    private static uint Since(Instant at, Instant now) => (uint)Math.Min((now - at) / Instant.Millisecond, uint.MaxValue);
}
