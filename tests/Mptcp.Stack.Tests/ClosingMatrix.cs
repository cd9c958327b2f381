using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Mptcp.Multipath;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>
/// The closing of a connection (RFC 8684 §3.3.3, Appendix D): every state by every event, where the connection goes and
/// what it sends, as a table beside this file. After a change that is meant, run with MPTCP_UPDATE_GOLDEN=1 and read the
/// difference. Data offsets: each end has sent 10 bytes; 11 is where a DATA_FIN stands, 12 what acknowledges it.
/// </summary>
public sealed class ClosingMatrix
{
    private static readonly (string Name, string Way)[] _states =
    [
        ("M_ESTAB", ""),
        ("M_FIN_WAIT_1", "close"),
        ("M_FIN_WAIT_2", "close, DATA_ACK 12"),
        ("M_CLOSING", "close, DATA_FIN 11"),
        ("M_CLOSE_WAIT", "DATA_FIN 11"),
        ("M_LAST_ACK", "DATA_FIN 11, close"),
        ("M_TIME_WAIT", "close, DATA_FIN 11, DATA_ACK 12"),
        ("M_TIME_WAIT, subflow too", "close, DATA_FIN 11, DATA_ACK 12, FIN"),
    ];

    private static readonly string[] _events =
    [
        "write", "close", "abort", "DATA_ACK 11", "DATA_ACK 12", "DATA_ACK 13", "data 11", "data 11 and DATA_FIN", "data 16",
        "data 1 again", "DATA_FIN 11", "DATA_FIN 11 twice", "DATA_FIN 6", "DATA_FIN 16", "FIN", "FIN with DATA_FIN", "RST",
        "FASTCLOSE", "FASTCLOSE wrong", "a second", "two minutes",
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

    private static string Table()
    {
        var text = new StringBuilder();
        foreach ((string name, string way) in _states)
        {
            text.Append(name).Append(" (").Append(Reach(way).Socket.State).Append(")\n");
            foreach (string happens in _events)
            {
                text.Append(("  " + happens).PadRight(24)).Append(Outcome(way, happens)).Append('\n');
            }
        }

        return text.ToString();
    }

    private static ScriptedPeer Reach(string way)
    {
        ScriptedPeer peer = ScriptedPeer.Connected(new MptcpSettings { AnnounceAddresses = false });
        peer.First.Data(1, ScriptedPeer.Bytes(0, 10));
        peer.Read();
        peer.Write(ScriptedPeer.Bytes(0, 10));
        peer.Ack();
        foreach (string step in way.Split(", ", StringSplitOptions.RemoveEmptyEntries))
        {
            Do(peer, step);
        }

        return peer;
    }

    private static string Outcome(string way, string happens)
    {
        ScriptedPeer peer = Reach(way);
        peer.First.Take();
        Do(peer, happens);
        List<string> sent = [.. peer.First.Take().Select(seen => Say(peer, seen)).Distinct()];
        string reason = peer.Socket.CloseReason == TcpCloseReason.None ? "" : $" ({peer.Socket.CloseReason})";
        string readable = peer.Socket.Readable == 0 ? "" : $", {peer.Socket.Readable} to read";
        string ignored = Ignored(peer);
        return $"{peer.Socket.State}{reason}{readable}{ignored}{(sent.Count > 0 ? "; sends " : "")}{string.Join(", then ", sent)}";
    }

    private static void Do(ScriptedPeer peer, string happens)
    {
        string[] words = happens.Split(' ');
        long at = words.Length > 1 && long.TryParse(words[1], CultureInfo.InvariantCulture, out long number) ? number : 0;
        byte[] five = ScriptedPeer.Bytes(0, 5);
        DssOption fin = peer.Mapping(peer.First, at > 0 ? at : 11, [], fin: true) with { DataAck = peer.FromStack.ToWire64(11) };
        switch (words[0])
        {
            case "write":
                peer.Socket.TryWrite(five);
                break;
            case "close":
                peer.Socket.CompleteWrites();
                break;
            case "abort":
                peer.Socket.Abort();
                break;
            case "DATA_ACK":
                peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Dss(peer.DataAck() with { DataAck = peer.FromStack.ToWire64(at) })]);
                break;
            case "data":
                peer.First.Data(at, five, fin: happens.EndsWith("DATA_FIN", StringComparison.Ordinal));
                break;
            case "DATA_FIN":
                peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Dss(fin)]);
                if (happens.EndsWith("twice", StringComparison.Ordinal))
                {
                    peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.Dss(fin)]);
                }

                break;
            case "FIN":
                peer.First.Send(TcpFlags.Fin | TcpFlags.Ack, options: [ScriptedPeer.Dss(words.Length > 1 ? fin : peer.DataAck())]);
                break;
            case "RST":
                peer.First.Send(TcpFlags.Rst | TcpFlags.Ack);
                break;
            case "FASTCLOSE":
                peer.First.Send(TcpFlags.Ack, options: [ScriptedPeer.FastClose(peer.StackKey + (words.Length > 1 ? 1ul : 0))]);
                break;
            default:
                peer.Run(words[0] == "a" ? Instant.Second : 120 * Instant.Second);
                break;
        }

        peer.Drain();
    }

    private static string Say(ScriptedPeer peer, Seen seen)
    {
        string text = seen.IsReset ? "RST" : (seen.Flags & TcpFlags.Fin) != 0 ? "FIN" : seen.Payload.Length > 0 ? "data" : "ACK";
        if (seen.FastClose is not null)
        {
            text += " FASTCLOSE";
        }

        if (seen.Dss is { DataFin: true } fin)
        {
            text += $" DATA_FIN {peer.FromStack.FromWire64(fin.DataSequenceNumber) + fin.DataLength - 1}";
        }

        return seen.Dss is { HasDataAck: true } ack ? $"{text} DATA_ACK {peer.ToStack.FromWire64(ack.DataAck)}" : text;
    }

    private static string Ignored(ScriptedPeer peer)
    {
        string text = "";
        foreach (ConnectionEventCode code in Enum.GetValues<ConnectionEventCode>())
        {
            text += (int)code >= 500 && peer.Socket.CountOf(code) > 0 ? $", ignored {code}" : "";
        }

        return text;
    }

    private static string Golden([CallerFilePath] string here = "") => Path.ChangeExtension(here, ".txt");
}
