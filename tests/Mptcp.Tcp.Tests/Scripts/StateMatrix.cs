using System.Runtime.CompilerServices;
using System.Text;

namespace Mptcp.Tcp.Tests.Scripts;

/// <summary>
/// Every state by every event: where the connection goes and what it sends, as a table beside this file. After a change
/// that is meant, run with MPTCP_UPDATE_GOLDEN=1 and read the difference.
/// </summary>
public class StateMatrix
{
    private static readonly (string State, string Way, int Ours, int Theirs)[] _states =
    [
        ("Closed", "", 0, 0),
        ("SynSent", "connect\n> S 0 <*>", 1, 0),
        ("SynReceived", "listen\n< S 0 <mss 1460>\n> S. 0 ack 1 <*>", 1, 1),
        ("Established", "open", 1, 1),
        ("FinWait1", "open\nclose\n> F. 1 ack 1", 2, 1),
        ("FinWait2", "open\nclose\n> F. 1 ack 1\n< . 1 ack 2", 2, 1),
        ("CloseWait", "open\n< F. 1 ack 1\n> . 1 ack 2", 1, 2),
        ("Closing", "open\nclose\n> F. 1 ack 1\n< F. 1 ack 1\n> . 2 ack 2", 2, 2),
        ("LastAck", "open\n< F. 1 ack 1\n> . 1 ack 2\nclose\n> F. 1 ack 2", 2, 2),
        ("TimeWait", "open\nclose\n> F. 1 ack 1\n< F. 1 ack 2\n> . 2 ack 2", 2, 2),
    ];

    // {o} is what we have sent, {t} what the peer has; {t+n} is later.
    private static readonly (string Name, string Line)[] _events =
    [
        ("connect", "connect"),
        ("write", "write 10"),
        ("close", "close"),
        ("abort", "abort"),
        ("SYN", "< S {t} <mss 1460>"),
        ("SYN later", "< S {t+9} <mss 1460>"),
        ("SYN old", "< S {t-99999} <mss 1460>"),
        ("SYN,ACK", "< S. {t} ack {o} <mss 1460>"),
        ("ACK", "< . {t} ack {o}"),
        ("ACK old", "< . {t} ack {o-1}"),
        ("ACK of the unsent", "< . {t} ack {o+1}"),
        ("no ACK", "< - {t}"),
        ("data", "< P. {t}:{t+9} ack {o}"),
        ("data old", "< P. {t-9}:{t} ack {o}"),
        ("data later", "< P. {t+9}:{t+19} ack {o}"),
        ("FIN", "< F. {t} ack {o}"),
        ("FIN old", "< F. {t-1} ack {o}"),
        ("FIN before our ACK", "< F. {t} ack {o-1}"),
        ("RST", "< R {t}"),
        ("RST,ACK", "< R. {t} ack {o}"),
        ("RST later", "< R {t+9}"),
        ("RST outside", "< R {t-1}"),
        ("unreachable hard", "unreachable hard"),
        ("a minute", "+60000"),
    ];

    [Fact]
    public void The_table_of_states_and_events_is_the_golden_one()
    {
        string path = Golden();
        string table = Table();
        if (Environment.GetEnvironmentVariable("MPTCP_UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, table);
        }

        Assert.Equal(File.ReadAllText(path), table, ignoreLineEndingDifferences: true);
    }

    [Fact]
    public void The_document_of_the_states_is_what_the_engine_does()
    {
        const string begin = "<!-- From here on by the test. -->\n";
        string path = Path.Combine(Path.GetDirectoryName(Golden())!, "../../../docs/tcp-states.md");
        string text = File.ReadAllText(path).ReplaceLineEndings("\n");
        string expected = text[..(text.IndexOf(begin, StringComparison.Ordinal) + begin.Length)] + Document();
        if (Environment.GetEnvironmentVariable("MPTCP_UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, expected);
            text = expected;
        }

        Assert.Equal(expected, text);
    }

    /// <summary>The transitions as a diagram and as a table: what leaves a state unchanged is not told.</summary>
    private static string Document()
    {
        List<(string From, string To, string Event, string Sends)> moves = [Move("Closed", "SYN at a listener", Outcome("listen", "< S 0 <mss 1460>"))];
        foreach ((string state, string way, int ours, int theirs) in _states)
        {
            foreach ((string name, string line) in _events)
            {
                if (name != "connect" || state == "Closed")
                {
                    moves.Add(Move(state, name, Outcome(way, Fill(line, ours, theirs))));
                }
            }
        }

        moves.RemoveAll(move => move.From == move.To);
        var text = new StringBuilder("\n```mermaid\nstateDiagram-v2\n");
        foreach (var edge in moves.GroupBy(move => (move.From, move.To)))
        {
            text.Append($"    {edge.Key.From} --> {edge.Key.To} : {string.Join(" / ", edge.Select(move => move.Event))}\n");
        }

        text.Append("```\n\n| state | event | next state | sends |\n| --- | --- | --- | --- |\n");
        foreach ((string from, string to, string what, string sends) in moves)
        {
            text.Append($"| {from} | {what} | {to} | {sends} |\n");
        }

        return text.ToString();
    }

    private static (string From, string To, string Event, string Sends) Move(string from, string name, string outcome)
    {
        string[] parts = outcome.Split("; sends ");
        return (from, parts[0].Split(' ')[0], name, parts.Length > 1 ? $"`{parts[1]}`" : "");
    }

    private static string Table()
    {
        var text = new StringBuilder();
        foreach ((string state, string way, int ours, int theirs) in _states)
        {
            text.Append(state).Append('\n');
            foreach ((string name, string line) in _events)
            {
                if (name == "connect" && state != "Closed")
                {
                    continue;
                }

                text.Append(("  " + name).PadRight(22)).Append(Outcome(way, Fill(line, ours, theirs))).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Outcome(string way, string line)
    {
        var script = new Script(c => c with { UserTimeout = 0 });
        script.Play(way);
        List<string> sent = [];
        if (line.StartsWith('+'))
        {
            sent = script.Silence(60_000);
        }
        else if (line.StartsWith('<'))
        {
            script.InjectAll(line[2..]);
            sent = script.Take();
        }
        else
        {
            script.Do(line);
            sent = script.Take();
        }

        List<string> plain = [.. sent.Select(segment => segment.Split(" win")[0]).Distinct()];
        string reason = script.Connection.CloseReason == TcpCloseReason.None ? "" : $" ({script.Connection.CloseReason})";
        return $"{script.Connection.State}{reason}{(plain.Count > 0 ? "; sends " : "")}{string.Join(", then ", plain)}";
    }

    private static string Fill(string line, int ours, int theirs)
    {
        foreach (int shift in new[] { -99999, -9, -1, 0, 1, 9, 19 })
        {
            string suffix = shift == 0 ? "" : shift.ToString("+0;-0", System.Globalization.CultureInfo.InvariantCulture);
            line = line.Replace($"{{o{suffix}}}", $"{ours + shift}", StringComparison.Ordinal)
                .Replace($"{{t{suffix}}}", $"{theirs + shift}", StringComparison.Ordinal);
        }

        return line;
    }

    private static string Golden([CallerFilePath] string here = "") => Path.ChangeExtension(here, ".txt");
}
