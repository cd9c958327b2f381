using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Tool.Simulate;

/// <summary>
/// One transfer while it runs. As a node of the network it only asks to be woken when it begins and when its time is over;
/// the bytes go through the hosts' sockets.
/// </summary>
internal sealed class Flow : ISimulatedNode
{
    private const int PieceSize = 65_536;
    private static readonly byte[] _pattern = NewPattern();

    private readonly NetworkStack _sender;
    private readonly LocalAddress _local;
    private readonly IpEndpoint _remote;
    private readonly StackListener _listener;
    private readonly Instant _end;
    private readonly byte[] _piece = new byte[PieceSize];
    private readonly List<long> _latencies = [];
    private StackSocket? _from;
    private StackSocket? _to;
    private long _written;
    private bool _closed;
    private int _opened;
    private Instant _lastArrival;

    /// <summary>Makes a flow that has not begun.</summary>
    /// <param name="spec">What it is.</param>
    /// <param name="origin">When the run begins.</param>
    /// <param name="sender">Who sends.</param>
    /// <param name="local">From where.</param>
    /// <param name="remote">To where.</param>
    /// <param name="listener">Of the receiver, for this flow alone.</param>
    public Flow(FlowSpec spec, Instant origin, NetworkStack sender, LocalAddress local, IpEndpoint remote, StackListener listener)
    {
        (Spec, _sender, _local, _remote, _listener) = (spec, sender, local, remote, listener);
        Start = origin + spec.StartNanoseconds;
        _end = spec.DurationNanoseconds is { } duration ? Start + duration : Instant.Never;
        NextTimeout = Start;
    }

    public FlowSpec Spec { get; }

    /// <summary>The subflows beside the first, where the scenario names them: from where, and to where.</summary>
    public IReadOnlyList<(IpAddress From, IpEndpoint To)> Further { get; init; } = [];

    public ushort Port => _remote.Port;

    public Instant Start { get; }

    /// <summary>When the last new byte was read.</summary>
    public Instant LastArrival => _lastArrival;

    public long Received { get; private set; }

    /// <summary>Of each message: from the moment when it was to be written to its last byte read, in nanoseconds.</summary>
    public IReadOnlyList<long> Latencies => _latencies;

    /// <summary>The longest time without a new byte, between the first one and the last.</summary>
    public long LongestStall { get; private set; }

    /// <summary>Whether the receiver has read the end of the stream.</summary>
    public bool IsWhole { get; private set; }

    /// <summary>Whether what arrived is what was sent.</summary>
    public bool IsIntact { get; private set; } = true;

    /// <summary>Whether nothing more will come.</summary>
    public bool IsOver => IsWhole || _from is { State: TcpState.Closed };

    public bool IsMultipath => _from?.IsMultipath == true;

    /// <summary>Why it is not whole.</summary>
    public string Failure => IsWhole ? "" : _from is { State: TcpState.Closed } ? $"closed: {_from.CloseReason}" : "not done in time";

    public Instant NextTimeout { get; private set; }

    public IReadOnlyList<SubflowInfo> Subflows
    {
        get
        {
            var subflows = new List<SubflowInfo>();
            _from?.CopySubflows(subflows);
            return subflows;
        }
    }

    /// <summary>How the sender's paths stand, at a time.</summary>
    public IReadOnlyList<PathInfo> PathsAt(Instant now)
    {
        var paths = new List<PathInfo>();
        _from?.CopyPaths(now, paths);
        return paths;
    }

    public void HandlePacket(Instant now, int link, ReadOnlySpan<byte> packet)
    {
    }

    public void HandleTimeout(Instant now) => NextTimeout = now >= _end ? Instant.Never
        : Spec.IntervalNanoseconds is null ? _end : Instant.Min(MessageAt(Due(now)), _end);

    public bool TryTransmit(Instant now, Span<byte> buffer, out int link, out int length)
    {
        (link, length) = (-1, 0);
        return false;
    }

    /// <summary>Moves what can be moved.</summary>
    public void Pump(Instant now)
    {
        if (now < Start || IsOver)
            return;
        if (_from is null)
            Connect(now);

        // The receiver has to announce its addresses first.
        while (_opened < Further.Count && _from!.OpenSubflow(Further[_opened].From, Further[_opened].To))
            _opened++;
        Write(now);
        Read(now);
    }

    private void Connect(Instant now)
    {
        _from = _sender.TryConnect(now, _local, _remote)
            ?? throw new ToolException(ExitCode.Failed, $"flow '{Spec.Name}' finds no free port");
        if (Spec.Subflows.Count > 0)
            _from.SetPathManager(new ManualPaths());
    }

    private void Write(Instant now)
    {
        while (!_closed)
        {
            long left = now >= _end ? 0 : Total(now) - _written;
            if (left == 0)
            {
                _closed = Spec.IntervalNanoseconds is null || now >= _end;
                if (!_closed)
                    return;
                _from!.CompleteWrites();
                return;
            }

            // A period that divides no power of two shows bytes that came to a wrong place.
            int at = (int)(_written % (_pattern.Length - PieceSize));
            int count = _from!.TryWrite(_pattern.AsSpan(at, (int)Math.Min(left, PieceSize)));
            if (count == 0)
                return;
            _written += count;
        }
    }

    private void Read(Instant now)
    {
        if (_to is null && !_listener.TryAccept(out _to))
            return;
        int count;
        while ((count = _to.TryRead(_piece)) > 0)
        {
            int at = (int)(Received % (_pattern.Length - PieceSize));
            IsIntact &= _pattern.AsSpan(at, count).SequenceEqual(_piece.AsSpan(0, count));
            if (Received > 0)
                LongestStall = Math.Max(LongestStall, now - _lastArrival);
            Received += count;
            _lastArrival = now;
            while (Spec.IntervalNanoseconds is not null && Received >= (_latencies.Count + 1) * Spec.Bytes!.Value)
                _latencies.Add(now - MessageAt(_latencies.Count));
        }

        IsWhole = _to.EndOfStream;
    }

    /// <summary>How much is to be written until then.</summary>
    private long Total(Instant now) =>
        Spec.IntervalNanoseconds is null ? Spec.Bytes ?? long.MaxValue : Due(now) * Spec.Bytes!.Value;

    /// <summary>How many messages are to be written until then.</summary>
    private long Due(Instant now) => (now - Start) / Spec.IntervalNanoseconds!.Value + 1;

    private Instant MessageAt(long message) => Start + message * Spec.IntervalNanoseconds!.Value;

    private static byte[] NewPattern()
    {
        const int period = 65_521;
        byte[] pattern = new byte[period + PieceSize];
        new SeededEntropy(period).Fill(pattern.AsSpan(0, period));
        for (int i = period; i < pattern.Length; i++)
            pattern[i] = pattern[i - period];
        return pattern;
    }
}
