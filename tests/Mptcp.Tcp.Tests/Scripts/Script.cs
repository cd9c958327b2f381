using System.Globalization;
using System.Text;
using Mptcp.Wire;

namespace Mptcp.Tcp.Tests.Scripts;

/// <summary>
/// Plays a corner case of TCP against one connection, in virtual time, from a few lines of text:
/// <code>
/// open                          a whole handshake, active; "accept" is the passive one
/// write 100
/// > P. 1:101 ack 1              expects a segment, now and exactly; all that comes has to be expected
/// +210 > P. 1:101 ack 1         210 ms later, to the millisecond; "~ >" is whenever the next one comes
/// +5 &lt; . 1 ack 101 win 512      injects a segment
/// state Established             checks; so do reason, readable, urgent, finished, idle
/// </code>
/// Further lines do what the user does (connect, listen, write, read, close, abort, stop, cork, nodelay, keepalive, ack),
/// what the network says (mtu, unreachable, reuse), or let time pass in silence ("+500"). '#' begins a comment.
/// </summary>
public sealed class Script
{
    private const uint Ours = uint.MaxValue - 5000;
    private const uint Theirs = uint.MaxValue - 100;
    private const int StepLimit = 20_000;
    private readonly StringBuilder _trace = new();
    private readonly Queue<(Instant At, string Text)> _came = new();
    private readonly byte[] _buffer = new byte[4096];
    private readonly TcpConfiguration _configuration;
    private Instant _time = new(Instant.Second);
    private Instant _now = new(Instant.Second);
    private bool _listening;
    private long _written = 1;
    private long _read = 1;
    private string _line = "";

    public Script(Func<TcpConfiguration, TcpConfiguration>? configure = null, int buffers = 65535, string local = "10.0.0.1", string remote = "10.0.0.2")
    {
        var configuration = new TcpConfiguration
        {
            Local = new IpEndpoint(IpAddress.Parse(local), 80),
            Remote = new IpEndpoint(IpAddress.Parse(remote), 4000),
            InitialSequenceNumber = Ours,
        };
        _configuration = configure is null ? configuration : configure(configuration);
        User = new ByteStreamUser(buffers, buffers);
        Connection = new TcpConnection(_configuration, User);
    }

    public TcpConnection Connection { get; }

    public ByteStreamUser User { get; }

    /// <summary>Plays a script on a fresh connection.</summary>
    public static Script Run(string text, Func<TcpConfiguration, TcpConfiguration>? configure = null) =>
        new Script(configure).Play(text);

    /// <summary>Plays further lines.</summary>
    public Script Play(string text)
    {
        foreach (string line in text.Split('\n'))
        {
            _line = line.Split('#')[0].Trim();
            if (_line.Length > 0)
            {
                PlayLine(_line);
            }
        }

        _line = "the end";
        ExpectNothing();
        return this;
    }

    /// <summary>The segments that are on the way out now, as text; they count as expected.</summary>
    public List<string> Take()
    {
        Drain();
        List<string> all = [.. _came.Select(segment => segment.Text)];
        _came.Clear();
        return all;
    }

    /// <summary>Hands in several segments before anything may leave.</summary>
    public void InjectAll(params string[] segments)
    {
        foreach (string segment in segments)
        {
            Inject(segment);
        }
    }

    /// <summary>Waits until something leaves, ten minutes at most: all that leaves at that time.</summary>
    public List<string> Next()
    {
        Advance(_now + 600 * Instant.Second);
        _time = _now;
        return Take();
    }

    /// <summary>Lets time pass, whatever leaves meanwhile, and returns that.</summary>
    public List<string> Silence(long milliseconds)
    {
        var left = new List<string>();
        Instant until = _now + milliseconds * Instant.Millisecond;
        while (_now < until)
        {
            Advance(until);
            left.AddRange(Take());
        }

        _time = until;
        return left;
    }

    /// <summary>Does what a line without time and segment says, and leaves what comes of it for <see cref="Take"/>.</summary>
    public void Do(string line) => Do(line.Split(' ', 2));

    private void PlayLine(string line)
    {
        bool whenever = line.StartsWith('~');
        long delay = 0;
        if (line[0] is '+' or '~')
        {
            string[] parts = line.Split(' ', 2, StringSplitOptions.TrimEntries);
            delay = whenever ? 600 * Instant.Second : (long)(decimal.Parse(parts[0][1..], CultureInfo.InvariantCulture) * Instant.Millisecond);
            line = parts.Length > 1 ? parts[1] : "";
        }

        if (line.StartsWith('>'))
        {
            Expect(line[1..].Trim(), delay, whenever);
            return;
        }

        if (delay > 0)
        {
            ExpectNothing();
            _time += delay;
            Advance(_time);
        }

        ExpectNothing();
        if (line.StartsWith('<'))
        {
            Inject(line[1..].Trim());
        }
        else if (line.Length > 0)
        {
            Do(line.Split(' ', 2));
        }
    }

    private void Expect(string expected, long delay, bool whenever)
    {
        Instant due = _time + delay;
        if (_came.Count == 0)
        {
            Advance(due + (delay > 0 ? Instant.Millisecond : 0));
        }

        if (!_came.TryDequeue(out (Instant At, string Text) came))
        {
            Fail($"expected: > {expected}\n    came:     nothing");
        }

        if (!SegmentText.Matches(expected, came.Text))
        {
            Fail($"expected: > {expected}\n    came:     > {came.Text}");
        }

        if (!whenever && Math.Abs(came.At - due) > Instant.Millisecond)
        {
            Fail($"expected: > {expected}  at {Milliseconds(due)}\n    came:     at {Milliseconds(came.At)}");
        }

        _time = whenever ? came.At : due;
    }

    private void ExpectNothing()
    {
        Drain();
        if (_came.TryDequeue(out (Instant At, string Text) came))
        {
            Fail($"expected: nothing\n    came:     > {came.Text}  at {Milliseconds(came.At)}");
        }
    }

    private void Inject(string text)
    {
        byte[] packet = SegmentText.Build(text, _configuration.Remote, _configuration.Local, Theirs, Ours);
        _trace.AppendLine(CultureInfo.InvariantCulture, $"    {Milliseconds(_now),8} < {text}");
        Assert.True(IpPacket.TryParse(packet, out IpPacket ip, out _));
        Assert.True(TcpSegment.TryParse(ip, out TcpSegment segment, out _));
        if (_listening)
        {
            _listening = false;
            Connection.Accept(_now, segment);
        }
        else
        {
            Connection.HandleSegment(_now, segment);
        }
    }

    private void Advance(Instant until)
    {
        for (int steps = 0; ; steps++)
        {
            Drain();
            if (steps > StepLimit)
            {
                Fail($"the connection wants to be called for ever, now at {Milliseconds(Connection.NextTimeout)}");
            }

            if (_came.Count > 0 || Connection.NextTimeout > until)
            {
                break;
            }

            _now = new Instant(Math.Max(_now.Nanoseconds, Connection.NextTimeout.Nanoseconds));
            Connection.HandleTimeout(_now);
        }

        _now = _came.Count > 0 ? _now : new Instant(Math.Max(_now.Nanoseconds, until.Nanoseconds));
    }

    private void Drain()
    {
        for (int i = 0; Connection.TryTransmit(_now, _buffer, out int length); i++)
        {
            Assert.True(i < StepLimit, "a connection that never stops transmitting");
            Assert.True(IpPacket.TryParse(_buffer.AsSpan(0, length), out IpPacket ip, out _));
            Assert.True(TcpSegment.TryParse(ip, out TcpSegment segment, out _));
            string text = SegmentText.Print(segment, Ours, Theirs);
            _trace.AppendLine(CultureInfo.InvariantCulture, $"    {Milliseconds(_now),8} > {text}");
            uint first = unchecked(segment.SequenceNumber - Ours + (segment.Syn ? 1u : 0));
            for (int j = 0; j < segment.Payload.Length; j++)
            {
                Assert.Equal((byte)(first + j), segment.Payload[j]);
            }

            _came.Enqueue((_now, text));
        }
    }

    private void Do(string[] words)
    {
        string argument = words.Length > 1 ? words[1] : "";
        switch (words[0])
        {
            case "open" or "accept":
                Open(words[0] == "open", argument.Length > 0 ? argument : "<mss 1460, sackOK>");
                break;
            case "connect":
                Connection.Connect();
                break;
            case "listen":
                _listening = true;
                break;
            case "write":
                Write(Number(argument));
                break;
            case "read":
                Read(Number(argument));
                break;
            case "close":
                Connection.Close();
                break;
            case "abort":
                Connection.Abort();
                break;
            case "stop":
                Connection.StopReceiving(_now);
                break;
            case "cork":
                Connection.Corked = argument == "on";
                break;
            case "nodelay":
                Connection.NoDelay = argument == "on";
                break;
            case "keepalive":
                Connection.SetKeepAlive(_now, argument == "on");
                break;
            case "ack":
                Connection.RequestAck();
                break;
            case "mtu":
                Connection.HandlePathMtu(_now, Number(argument));
                break;
            case "unreachable":
                Connection.HandleUnreachable(argument == "hard");
                break;
            default:
                Check(words[0], argument);
                break;
        }
    }

    private void Check(string what, string expected)
    {
        Drain();
        string came = what switch
        {
            "state" => Connection.State.ToString(),
            "reason" => Connection.CloseReason.ToString(),
            "readable" => User.Readable.ToString(CultureInfo.InvariantCulture),
            "urgent" => Connection.UrgentEdge.ToString(CultureInfo.InvariantCulture),
            "finished" => User.PeerFinished ? "yes" : "no",
            "idle" => Connection.NextTimeout == Instant.Never ? "" : $"a timer at {Milliseconds(Connection.NextTimeout)}",
            "reuse" => "",
            _ => throw new FormatException($"no such line: {_line}"),
        };
        if (what == "reuse")
        {
            Reuse(expected.Split(' ', 2));
        }
        else if (came != expected)
        {
            Fail($"expected: {what} {expected}\n    came:     {came}");
        }
    }

    private void Reuse(string[] words)
    {
        byte[] packet = SegmentText.Build(words[1], _configuration.Remote, _configuration.Local, Theirs, Ours);
        Assert.True(IpPacket.TryParse(packet, out IpPacket ip, out _) && TcpSegment.TryParse(ip, out _, out _));
        Assert.True(TcpSegment.TryParse(ip, out TcpSegment segment, out _));
        bool reused = Connection.TryReuse(segment);
        if (reused != (words[0] == "yes"))
        {
            Fail($"expected: reuse {words[0]}\n    came:     {(reused ? "yes" : "no")}");
        }
    }

    private void Open(bool active, string options)
    {
        if (active)
        {
            PlayLine("connect");
            PlayLine("> S 0 <*>");
            PlayLine($"< S. 0 ack 1 win 65535 {options}");
            PlayLine("> . 1 ack 1 <*>");
        }
        else
        {
            PlayLine("listen");
            PlayLine($"< S 0 win 65535 {options}");
            PlayLine("> S. 0 ack 1 <*>");
            PlayLine("< . 1 ack 1 win 65535");
        }
    }

    private void Write(int count)
    {
        var bytes = new byte[count];
        for (int i = 0; i < count; i++)
        {
            bytes[i] = (byte)(_written + i);
        }

        Assert.Equal(count, User.Write(bytes));
        _written += count;
    }

    private void Read(int count)
    {
        var bytes = new byte[count];
        Assert.Equal(count, User.Read(bytes));
        for (int i = 0; i < count; i++)
        {
            Assert.Equal((byte)(_read + i), bytes[i]);
        }

        _read += count;
        if (User.WindowUpdateDue)
        {
            Connection.RequestAck();
        }
    }

    private void Fail(string what) => Assert.Fail($"{_line}\n    {what}\n  so far:\n{_trace}");

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static string Milliseconds(Instant at) =>
        (at.Nanoseconds / (decimal)Instant.Millisecond - 1000).ToString("0.###", CultureInfo.InvariantCulture);
}
