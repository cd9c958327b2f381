using System.Runtime.InteropServices;
using Mptcp.Multipath;
using Mptcp.Tcp;

namespace Mptcp.Native;

/// <summary>struct mptcp_info of Linux.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MptcpInfoLayout
{
    private const uint FlagFallback = 1;
    private const uint FlagRemoteKeyReceived = 2;

    public byte Subflows;
    public byte AddressesSignalled;
    public byte AddressesAccepted;
    public byte SubflowsMax;
    public byte AddressesSignalledMax;
    public byte AddressesAcceptedMax;
    private readonly ushort _padding;
    public uint Flags;
    public uint Token;
    public ulong WriteSequence;
    public ulong SendUnacknowledged;
    public ulong ReceiveNext;
    public byte LocalAddressesUsed;
    public byte LocalAddressesMax;
    public byte ChecksumEnabled;
    private readonly byte _padding2;
    public uint Retransmits;
    public ulong BytesRetransmitted;
    public ulong BytesSent;
    public ulong BytesReceived;
    public ulong BytesAcknowledged;
    public byte SubflowsTotal;
    private readonly byte _reserved1;
    private readonly byte _reserved2;
    private readonly byte _reserved3;
    public uint LastDataSent;
    public uint LastDataReceived;
    public uint LastAckReceived;

    public static MptcpInfoLayout From(in ConnectionInfo info, List<SubflowTcpInfo> subflows, Instant now)
    {
        Instant sent = default, received = default, acknowledged = default;
        int used = 0;
        foreach (SubflowTcpInfo subflow in subflows)
        {
            SegmentCounts counts = subflow.Tcp.Counts;
            sent = counts.LastDataSent > sent ? counts.LastDataSent : sent;
            received = counts.LastDataReceived > received ? counts.LastDataReceived : received;
            acknowledged = counts.LastAckReceived > acknowledged ? counts.LastAckReceived : acknowledged;
            used += subflow.Subflow is { Number: > 0, OpenedByPeer: false } ? 1 : 0;
        }

        return new MptcpInfoLayout
        {
            Subflows = (byte)Math.Min(info.FurtherSubflows, byte.MaxValue),
            AddressesSignalled = (byte)Math.Min(info.AddressesAnnounced, byte.MaxValue),
            AddressesAccepted = (byte)Math.Min(info.AddressesAccepted, byte.MaxValue),
            SubflowsMax = (byte)Math.Min(info.Limits.Subflows, byte.MaxValue),
            AddressesAcceptedMax = (byte)Math.Min(info.Limits.AcceptedAddresses, byte.MaxValue),
            Flags = (info.Token == 0 ? FlagFallback : 0) | (info.RemoteKeyKnown ? FlagRemoteKeyReceived : 0),
            Token = info.Token,
            WriteSequence = info.WriteSequence,
            SendUnacknowledged = info.SendUnacknowledged,
            ReceiveNext = info.ReceiveNext,
            LocalAddressesUsed = (byte)used,
            ChecksumEnabled = info.ChecksumInUse ? (byte)1 : (byte)0,
            BytesRetransmitted = (ulong)info.BytesReinjected,
            BytesSent = (ulong)info.BytesSent,
            BytesReceived = (ulong)info.BytesReceived,
            BytesAcknowledged = (ulong)info.BytesAcknowledged,
            SubflowsTotal = (byte)Math.Min(info.Subflows, byte.MaxValue),
            LastDataSent = Since(sent, now),
            LastDataReceived = Since(received, now),
            LastAckReceived = Since(acknowledged, now),
        };
    }

    private static uint Since(Instant at, Instant now) => (uint)Math.Min((now - at) / Instant.Millisecond, uint.MaxValue);
}
