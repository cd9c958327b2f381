using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>Writes one option into a segment of the peer.</summary>
internal delegate void PutOption(ref TcpOptionWriter writer);

/// <summary>
/// The peer of one stack, played by the test segment by segment. Path p joins the stack's 10.1.p.1 with 10.1.p.2. Data
/// offsets count from the initial data sequence number (first byte 1), as inside the engine.
/// </summary>
internal sealed class ScriptedPeer
{
    public const ulong DefaultKey = 0x1122_3344_5566_7788;

    /// <summary>The low half of its first data sequence number is 1446 before its wrap.</summary>
    public const ulong KeyBeforeWrap = 0x3d9a2;
    private const ushort Port = 80;
    private readonly byte[] _buffer = new byte[2048];
    private readonly List<Flow> _flows = [];
    private readonly MpCapableFlags _flags;
    private readonly bool _initiates;
    private ulong _stackKey;

    private ScriptedPeer(MptcpSettings? settings, MpCapableFlags flags, bool initiates, int paths, ulong key = DefaultKey)
    {
        Key = key;
        Stack = new NetworkStack(new StackOptions { Connection = settings ?? new MptcpSettings() }, new SeededEntropy(7));
        for (int p = 0; p < paths; p++)
        {
            Stack.AddAddress(new LocalAddress(p, TwoHosts.Address(p, 1), 1500));
        }

        (_flags, _initiates) = (flags | MpCapableFlags.HmacSha256, initiates);
        Checksum = (settings?.ChecksumRequired ?? false) || (flags & MpCapableFlags.ChecksumRequired) != 0;
        ToStack = new DataSequenceSpace(MptcpCrypto.InitialDataSequenceNumber(key));
    }

    public ulong Key { get; }

    /// <summary>Whether the SYN offers timestamps, which then take 12 octets of the stack's options.</summary>
    public bool Timestamps { get; init; }

    /// <summary>Whether the SYN permits SACK.</summary>
    public bool Sack { get; init; } = true;

    public NetworkStack Stack { get; }

    public StackSocket Socket { get; private set; } = null!;

    public Instant Now { get; private set; } = new(Instant.Second);

    public bool Checksum { get; set; }

    /// <summary>The data sequence numbers of what the peer sends.</summary>
    public DataSequenceSpace ToStack { get; }

    /// <summary>The data sequence numbers of what the stack sends.</summary>
    public DataSequenceSpace FromStack { get; private set; }

    /// <summary>What the peer's DATA_ACKs say: the next data offset that it expects.</summary>
    public long DataReceived { get; set; } = 1;

    public ulong StackKey => _stackKey;

    public Flow First => _flows[0];

    public IReadOnlyList<Flow> Flows => _flows;

    /// <summary>A peer that has connected to the stack, its third ACK sent.</summary>
    public static ScriptedPeer Connected(
        MptcpSettings? settings = null, MpCapableFlags flags = MpCapableFlags.None, int paths = 2, bool confirmed = true,
        bool timestamps = false, bool sack = true, ulong key = DefaultKey)
    {
        var peer = new ScriptedPeer(settings, flags, initiates: true, paths, key) { Timestamps = timestamps, Sack = sack };
        StackListener listener = peer.Stack.TryListen(Port)!;
        Flow flow = peer.NewFlow(0, Port, 5000);
        flow.Send(TcpFlags.Syn, options: [peer.Capable(sender: false, receiver: false)]);
        peer.LearnKey(flow);
        if (confirmed)
        {
            flow.Send(TcpFlags.Ack, options: [peer.Capable(sender: true, receiver: true)]);
            Assert.True(listener.TryAccept(out StackSocket socket));
            peer.Socket = socket;
        }

        return peer;
    }

    /// <summary>A peer to which the stack has connected; confirmed when it has sent its first DSS.</summary>
    public static ScriptedPeer Accepted(
        MptcpSettings? settings = null, MpCapableFlags flags = MpCapableFlags.None, int paths = 2, bool confirmed = true)
    {
        var peer = new ScriptedPeer(settings, flags, initiates: false, paths);
        peer.Socket = peer.Stack.TryConnect(peer.Now, peer.Stack.Addresses[0], new IpEndpoint(TwoHosts.Address(0, 2), Port))!;
        peer.Drain();
        peer.First.Send(TcpFlags.Syn | TcpFlags.Ack, options: [peer.Capable(sender: true, receiver: false)]);
        peer.LearnKey(peer.First);
        if (confirmed)
        {
            peer.Ack();
        }

        return peer;
    }

    /// <summary>A stack that has sent its SYN, and a peer that has not answered.</summary>
    public static ScriptedPeer Asked(MptcpSettings? settings = null)
    {
        var peer = new ScriptedPeer(settings, MpCapableFlags.None, initiates: false, paths: 2);
        peer.Socket = peer.Stack.TryConnect(peer.Now, peer.Stack.Addresses[0], new IpEndpoint(TwoHosts.Address(0, 2), Port))!;
        peer.Drain();
        return peer;
    }

    /// <summary>A peer that has sent this SYN to a listening stack.</summary>
    public static ScriptedPeer Proposed(MptcpSettings? settings, PutOption? option)
    {
        var peer = new ScriptedPeer(settings, MpCapableFlags.None, initiates: true, paths: 2);
        peer.Stack.TryListen(Port);
        peer.NewFlow(0, Port, 5000).Send(TcpFlags.Syn, options: option is null ? [] : [option]);
        return peer;
    }

    /// <summary>Joins a further subflow from the peer, handshake done.</summary>
    public Flow Join(int path = 1, byte id = 1)
    {
        const uint nonce = 99;
        Flow flow = NewFlow(path, Port, (ushort)(6000 + _flows.Count));
        flow.Send(TcpFlags.Syn, options: [(ref TcpOptionWriter writer) =>
            new MpJoinSynOption(false, id, MptcpCrypto.Token(_stackKey), nonce).TryWrite(ref writer)]);
        Assert.True(flow.Last.JoinSynAck.HasValue, "the join was not answered");
        uint theirs = flow.Last.JoinSynAck.Value.Nonce;
        flow.Send(TcpFlags.Ack, options: [(ref TcpOptionWriter writer) =>
            MptcpCrypto.JoinAck(Key, _stackKey, nonce, theirs).TryWrite(ref writer)]);
        return flow;
    }

    /// <summary>Answers the SYN of a join that the stack has sent, up to the fourth ACK.</summary>
    public void AnswerJoin(Flow flow)
    {
        const uint nonce = 98;
        MpJoinSynOption syn = flow.Seen[0].JoinSyn!.Value;
        ulong hmac = MptcpCrypto.JoinSynAckHmac(Key, _stackKey, nonce, syn.Nonce);
        flow.Send(TcpFlags.Syn | TcpFlags.Ack, options: [(ref TcpOptionWriter writer) =>
            new MpJoinSynAckOption(false, 7, hmac, nonce).TryWrite(ref writer)]);
        Assert.True(flow.Last.JoinAck.HasValue, "no third ACK");
        flow.Send(TcpFlags.Ack, options: [Dss(DataAck())]);
    }

    /// <summary>A DSS with a DATA_ACK on the first subflow.</summary>
    public void Ack() => First.Send(TcpFlags.Ack, options: [Dss(DataAck())]);

    public DssOption DataAck() => new() { HasDataAck = true, DataAck64 = true, DataAck = FromStack.ToWire64(DataReceived) };

    /// <summary>A mapping of payload that the peer sends next on <paramref name="flow"/>, with its checksum if agreed.</summary>
    public DssOption Mapping(Flow flow, long dataOffset, ReadOnlySpan<byte> payload, bool fin = false)
    {
        ulong number = ToStack.ToWire64(dataOffset);
        uint at = payload.IsEmpty ? 0 : (uint)flow.Next;
        var length = (ushort)(payload.Length + (fin ? 1 : 0));
        return DataAck() with
        {
            HasMapping = true,
            DataSequence64 = true,
            DataSequenceNumber = number,
            SubflowSequenceNumber = at,
            DataLength = length,
            DataFin = fin,
            HasChecksum = Checksum,
            Checksum = Checksum ? DssChecksum.Compute(number, at, length, InternetChecksum.Accumulate(payload)) : (ushort)0,
        };
    }

    /// <summary>An infinite mapping: data from <paramref name="dataOffset"/> on is what the subflow has from <paramref name="at"/> on.</summary>
    public DssOption Infinite(long dataOffset, long at) => new()
    {
        HasMapping = true,
        DataSequence64 = true,
        DataSequenceNumber = ToStack.ToWire64(dataOffset),
        SubflowSequenceNumber = (uint)at,
        HasChecksum = Checksum,
    };

    public static PutOption Dss(DssOption dss) => (ref TcpOptionWriter writer) => dss.TryWrite(ref writer);

    public static PutOption Fail(ulong number) => (ref TcpOptionWriter writer) => new MpFailOption(number).TryWrite(ref writer);

    public static PutOption FastClose(ulong key) => (ref TcpOptionWriter writer) => new MpFastCloseOption(key).TryWrite(ref writer);

    /// <summary>MP_CAPABLE as the peer sends it.</summary>
    public PutOption Capable(bool sender, bool receiver, ushort? dataLength = null, ushort? checksum = null)
    {
        var option = new MpCapableOption
        {
            Version = MpCapableOption.Version1,
            Flags = _flags | (Checksum ? MpCapableFlags.ChecksumRequired : 0),
            SenderKey = sender ? Key : null,
            ReceiverKey = receiver ? _stackKey : null,
            DataLength = dataLength,
            Checksum = checksum,
        };
        return (ref TcpOptionWriter writer) => option.TryWrite(ref writer);
    }

    public static byte[] Bytes(int from, int count)
    {
        var bytes = new byte[count];
        for (int i = 0; i < count; i++)
        {
            bytes[i] = (byte)(from + i);
        }

        return bytes;
    }

    /// <summary>Everything that can be read now.</summary>
    public byte[] Read()
    {
        var bytes = new byte[100_000];
        int count = Socket.TryRead(bytes);
        Drain();
        return bytes[..count];
    }

    public void Write(params byte[] bytes)
    {
        Assert.Equal(bytes.Length, Socket.TryWrite(bytes));
        Drain();
    }

    /// <summary>Lets time pass; what the stack sends meanwhile is seen.</summary>
    public void Run(long time)
    {
        Instant end = Now + time;
        while (Stack.NextTimeout <= end)
        {
            Now = Stack.NextTimeout < Now ? Now : Stack.NextTimeout;
            Stack.HandleTimeout(Now);
            Drain();
        }

        Now = end;
        Drain();
    }

    public void Drain()
    {
        while (Stack.TryTransmit(Now, _buffer, out int link, out int length))
        {
            Assert.True(IpPacket.TryParse(_buffer.AsSpan(0, length), out IpPacket ip, out _));
            Assert.True(TcpSegment.TryParse(ip, out TcpSegment segment, out _));
            (IpEndpoint local, IpEndpoint remote) = (segment.Source, segment.Destination);
            Flow? flow = _flows.Find(known => known.Local == local && known.Remote == remote);
            if (flow is null)
            {
                flow = new Flow(this, link, local, remote, (uint)(1000 * (_flows.Count + 1)));
                _flows.Add(flow);
            }

            flow.Take(segment);
        }
    }

    internal void Deliver(int link, ReadOnlySpan<byte> packet)
    {
        Stack.HandlePacket(Now, link, packet);
        Drain();
    }

    private Flow NewFlow(int path, ushort localPort, ushort remotePort)
    {
        var flow = new Flow(
            this, path, new IpEndpoint(TwoHosts.Address(path, 1), localPort), new IpEndpoint(TwoHosts.Address(path, 2), remotePort),
            (uint)(1000 * (_flows.Count + 1)));
        _flows.Add(flow);
        return flow;
    }

    private void LearnKey(Flow flow)
    {
        MpCapableOption? theirs = _initiates ? flow.Last.Capable : flow.Seen.Find(seen => seen.Capable?.SenderKey is not null)?.Capable;
        if (theirs?.SenderKey is { } key)
        {
            _stackKey = key;
            FromStack = new DataSequenceSpace(MptcpCrypto.InitialDataSequenceNumber(key));
        }
    }
}
