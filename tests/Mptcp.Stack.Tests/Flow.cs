using Mptcp.Wire;

namespace Mptcp.Stack.Tests;

/// <summary>A segment of the stack as the peer saw it; sequence numbers are relative to the initial ones.</summary>
internal sealed record Seen(TcpFlags Flags, long Sequence, long Acknowledged, byte[] Payload)
{
    public int OptionsLength { get; init; }

    public int SackBlocks { get; private set; }

    public bool HasMptcp { get; private set; }

    public MpCapableOption? Capable { get; private set; }

    public MpJoinSynOption? JoinSyn { get; private set; }

    public MpJoinSynAckOption? JoinSynAck { get; private set; }

    public MpJoinAckOption? JoinAck { get; private set; }

    public DssOption? Dss { get; private set; }

    public AddAddressOption? AddAddress { get; private set; }

    public MpFailOption? Fail { get; private set; }

    public MpFastCloseOption? FastClose { get; private set; }

    public MpTcpRstOption? Reset { get; private set; }

    public bool IsReset => (Flags & TcpFlags.Rst) != 0;

    public void Take(ReadOnlySpan<byte> options)
    {
        SackBlocks = TcpOptions.TryParse(options, out TcpOptions tcp) ? tcp.SackCount : 0;
        var reader = new TcpOptionReader(options);
        while (reader.TryRead(out byte kind, out ReadOnlySpan<byte> option))
        {
            HasMptcp |= kind == TcpOptionKind.Mptcp;
            Capable = MpCapableOption.TryParse(option, out MpCapableOption capable) ? capable : Capable;
            JoinSyn = MpJoinSynOption.TryParse(option, out MpJoinSynOption syn) ? syn : JoinSyn;
            JoinSynAck = MpJoinSynAckOption.TryParse(option, out MpJoinSynAckOption synAck) ? synAck : JoinSynAck;
            JoinAck = MpJoinAckOption.TryParse(option, out MpJoinAckOption ack) ? ack : JoinAck;
            Dss = DssOption.TryParse(option, out DssOption dss) ? dss : Dss;
            AddAddress = AddAddressOption.TryParse(option, out AddAddressOption address) ? address : AddAddress;
            Fail = MpFailOption.TryParse(option, out MpFailOption fail) ? fail : Fail;
            FastClose = MpFastCloseOption.TryParse(option, out MpFastCloseOption close) ? close : FastClose;
            Reset = MpTcpRstOption.TryParse(option, out MpTcpRstOption reset) ? reset : Reset;
        }
    }
}

/// <summary>The peer's end of one subflow.</summary>
internal sealed class Flow(ScriptedPeer peer, int link, IpEndpoint local, IpEndpoint remote, uint initial)
{
    private uint _theirInitial;

    /// <summary>The stack's end.</summary>
    public IpEndpoint Local => local;

    /// <summary>The peer's end.</summary>
    public IpEndpoint Remote => remote;

    /// <summary>The subflow offset of what the peer sends next; the SYN is 0.</summary>
    public long Next { get; set; }

    /// <summary>The subflow offset that the peer expects next of the stack.</summary>
    public long Received { get; set; }

    public ushort Window { get; set; } = 65_535;

    public List<Seen> Seen { get; } = [];

    public Seen Last => Seen[^1];

    /// <summary>Segments since the last call.</summary>
    public List<Seen> Take()
    {
        List<Seen> seen = [.. Seen];
        Seen.Clear();
        return seen;
    }

    /// <summary>Sends a segment at <see cref="Next"/>, or elsewhere, and sees the answer.</summary>
    public void Send(TcpFlags flags, byte[]? payload = null, long? at = null, params PutOption[] options)
    {
        payload ??= [];
        Span<byte> packet = stackalloc byte[2048];
        Span<byte> room = stackalloc byte[TcpPacket.MaxOptionsLength];
        var writer = new TcpOptionWriter(room);
        if ((flags & TcpFlags.Syn) != 0)
        {
            writer.TryWriteMss(1460);
            if (peer.Sack)
            {
                writer.TryWriteSackPermitted();
            }

            if (peer.Timestamps)
            {
                writer.TryWriteTimestamps(1, 0);
            }
        }

        foreach (PutOption put in options)
        {
            put(ref writer);
        }

        writer.PadToWord();
        long start = at ?? Next;
        var header = new TcpHeaderFields
        {
            Source = remote,
            Destination = local,
            SequenceNumber = unchecked(initial + (uint)start),
            AcknowledgmentNumber = (flags & TcpFlags.Ack) != 0 ? unchecked(_theirInitial + (uint)Received) : 0,
            Flags = flags,
            Window = Window,
        };
        payload.CopyTo(packet[TcpPacket.PayloadOffset(true, writer.Length)..]);
        int length = TcpPacket.Write(packet, header, writer.Written, payload.Length);
        if (at is null)
        {
            Next += payload.Length + ((flags & (TcpFlags.Syn | TcpFlags.Fin)) != 0 ? 1 : 0);
        }

        peer.Deliver(link, packet[..length]);
    }

    /// <summary>Sends payload with the mapping that belongs to it.</summary>
    /// <param name="dataOffset">Where it stands in the stream.</param>
    /// <param name="payload">The bytes that the mapping is about.</param>
    /// <param name="changed">What a box made of them; null leaves them alone.</param>
    /// <param name="fin">Whether a DATA_FIN follows.</param>
    public void Data(long dataOffset, byte[] payload, byte[]? changed = null, bool fin = false) => Send(
        TcpFlags.Ack, changed ?? payload, options: [ScriptedPeer.Dss(peer.Mapping(this, dataOffset, payload, fin))]);

    internal void Take(in TcpSegment segment)
    {
        if (segment.Syn)
        {
            _theirInitial = segment.SequenceNumber;
        }

        long sequence = SequenceNumbers.Unwrap(segment.SequenceNumber, _theirInitial, Received);
        long acknowledged = segment.Ack ? SequenceNumbers.Unwrap(segment.AcknowledgmentNumber, initial, Next) : 0;
        var seen = new Seen(segment.Flags, sequence, acknowledged, segment.Payload.ToArray()) { OptionsLength = segment.Options.Length };
        seen.Take(segment.Options);
        Seen.Add(seen);
        if (sequence == Received)
        {
            Received += segment.SequenceLength;
        }

        if (seen.Dss is { HasMapping: true, DataLength: > 0 } dss
            && peer.FromStack.FromWire64(dss.DataSequenceNumber) == peer.DataReceived)
        {
            peer.DataReceived += dss.DataLength;
        }
        else if (seen.Capable is { DataLength: { } length } && peer.DataReceived == 1)
        {
            peer.DataReceived += length;
        }
    }
}
