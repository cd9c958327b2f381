using Mptcp.Hosting;

namespace Mptcp;

/// <summary>How a subflow finds the rate that its path takes.</summary>
public enum MptcpCongestionControl
{
    /// <summary>CUBIC with HyStart++ (RFC 9438, RFC 9406).</summary>
    Cubic,

    /// <summary>Slow start and congestion avoidance of RFC 5681.</summary>
    NewReno,

    /// <summary>BBR: by a model of the path, not by its losses, for lossy links.</summary>
    Bbr,

    /// <summary>LIA: all subflows together take what one TCP would on the best path (RFC 6356).</summary>
    Lia,

    /// <summary>OLIA: as LIA, and traffic moves to the best paths wholly.</summary>
    Olia,

    /// <summary>BALIA: as LIA, with a quicker response.</summary>
    Balia,

    /// <summary>wVegas: coupled by delay, before there are losses.</summary>
    WVegas,
}

/// <summary>What an engine is told at its birth.</summary>
public sealed record MptcpEngineOptions
{
    /// <summary>
    /// Names of devices to use, for instance <c>wlan0</c> and <c>wwan0</c>: each becomes a path. Needs Linux, root, and
    /// the tools <c>ip</c> and <c>nft</c>. With neither this nor <see cref="Paths"/>: every device that has a default route.
    /// </summary>
    public IReadOnlyList<string> Via { get; init; } = [];

    /// <summary>
    /// Paths over links of the application, a laboratory's for instance, in place of <see cref="Via"/>. Paths with the
    /// same link object are addresses of one link.
    /// </summary>
    public IReadOnlyList<MptcpPath> Paths { get; init; } = [];

    /// <summary>
    /// What the engine sleeps on: woken when a link of <see cref="Paths"/> has a packet. Required with them, without use
    /// otherwise. The engine disposes it.
    /// </summary>
    public ILinkWaiter? Waiter { get; init; }

    /// <summary>What the send buffer of a connection may grow to, in bytes; 4 MiB unless said otherwise, at least 64 KiB.</summary>
    public int SendBuffer { get; init; } = 4 * 1024 * 1024;

    /// <summary>What the receive buffer of a connection may grow to, in bytes; 6 MiB unless said otherwise, at least 64 KiB.</summary>
    public int ReceiveBuffer { get; init; } = 6 * 1024 * 1024;

    /// <summary>How long <c>ConnectAsync</c> tries, over all addresses of the peer; 20 s unless said otherwise.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// How long the disposal of a stream waits for the peer to acknowledge what was written before it resets the
    /// connection; 10 s unless said otherwise.
    /// </summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// TCP Fast Open (RFC 7413): the first data that <c>ConnectAsync</c> is given rides on the SYN to a peer that is known,
    /// and listeners take such data, which saves a round trip. Off unless said otherwise: a network that duplicates the SYN
    /// may bring that data twice, as two connections, so that it has to be of a kind that may come twice.
    /// </summary>
    public bool FastOpen { get; init; }

    /// <summary>
    /// Whether a subflow whose peer is silent is probed, so that one that is gone is noticed, and NAT on the path remembers
    /// the subflow (RFC 9293 §3.8.4). Off unless said otherwise.
    /// </summary>
    public bool KeepAlive { get; init; }

    /// <summary>The silence before the first probe of <see cref="KeepAlive"/>; two hours unless said otherwise.</summary>
    public TimeSpan KeepAliveIdle { get; init; } = TimeSpan.FromHours(2);

    /// <summary>The time between those probes; 75 s unless said otherwise.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(75);

    /// <summary>How many of them may stay without an answer before the subflow has failed; 9 unless said otherwise.</summary>
    public int KeepAliveProbes { get; init; } = 9;

    /// <summary>
    /// How long data may stay unacknowledged on a subflow before that has failed, the user timeout of RFC 9293 §3.9.1 and
    /// RFC 5482. Zero, as unless said otherwise: until it has been sent again fifteen times, which takes many minutes.
    /// </summary>
    public TimeSpan UserTimeout { get; init; }

    /// <summary>The least retransmission timeout; 200 ms unless said otherwise, where RFC 6298 §2.4 asks for a second.</summary>
    public TimeSpan MinimumRetransmissionTimeout { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>How each subflow finds its rate; CUBIC unless said otherwise.</summary>
    public MptcpCongestionControl CongestionControl { get; init; }

    /// <summary>
    /// Which subflow gets new data: <c>default</c> (the path that delivers first), <c>lowest-rtt</c>, <c>round-robin</c>,
    /// <c>round-robin:3,1</c> with a weight for each path, <c>redundant</c> (every byte on every path), <c>blest</c>,
    /// <c>ecf</c>, <c>backup-only</c> (one path, the others when it fails), or <c>latency:50</c>, a greatest time in
    /// milliseconds.
    /// </summary>
    public string Scheduler { get; init; } = "default";

    /// <summary>
    /// Which subflows a connection has: <c>default</c>, <c>single</c>, <c>make-before-break</c>, <c>full-mesh</c>, <c>one-per-interface</c>,
    /// <c>ports:3</c> (so many on one path), <c>signal</c> (addresses are announced only) or <c>manual</c>.
    /// </summary>
    public string PathManager { get; init; } = "default";

    /// <summary>
    /// What is wanted of paths, by their names (the devices' with <see cref="Via"/>, else "path 0" and so on);
    /// <see cref="MptcpEngine.SetPolicyAsync"/> changes it later.
    /// </summary>
    public IReadOnlyDictionary<string, MptcpPathPolicy> Policies { get; init; } = new Dictionary<string, MptcpPathPolicy>();

    /// <summary>A file that gets every packet of every path (pcapng, for Wireshark); overwritten. Null: none.</summary>
    public string? CaptureFile { get; init; }

    /// <summary>
    /// Where it is written down what <see cref="Via"/> changed in the system, so that the next start can undo it after a
    /// crash. All engines of one network namespace must use the same.
    /// </summary>
    public string StateDirectory { get; init; } = "/run/mptcp";
}
