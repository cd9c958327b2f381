using System.Globalization;
using System.Text;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Simulation;

/// <summary>
/// Writes every packet that was sent as a line of text, for people and golden files: seconds, path, direction, flags,
/// sequence and acknowledgment numbers relative to the SYNs, window, length of the payload, options, and what became of it
/// where it did not get on its way. The same run gives the same bytes; lines end with LF.
/// </summary>
/// <example><c>1.020000000 wifi &lt; S. 0 ack 1 win 65535 len 0 &lt;mss 1460,capable v1&gt; lost</c></example>
/// <param name="output">Where to write; its owner flushes it.</param>
public sealed class TextTrace(TextWriter output) : INetworkObserver
{
    private readonly Dictionary<(IpEndpoint Source, IpEndpoint Destination), uint> _origins = [];
    private readonly StringBuilder _line = new();

    /// <inheritdoc/>
    public void HandleSent(Instant now, SimulatedPath path, PathDirection direction, PacketFate fate, ReadOnlySpan<byte> packet)
    {
        ArgumentNullException.ThrowIfNull(path);
        (long seconds, long nanoseconds) = Math.DivRem(now.Nanoseconds, Instant.Second);
        _line.Clear();
        _line.Append(
            CultureInfo.InvariantCulture,
            $"{seconds}.{nanoseconds:D9} {path.Name} {(direction == PathDirection.Forward ? '>' : '<')} ");
        if (!IpPacket.TryParse(packet, out IpPacket ip, out DropReason reason))
        {
            _line.Append(CultureInfo.InvariantCulture, $"{reason} length {packet.Length}");
        }
        else if (!TcpSegment.TryParse(ip, out TcpSegment segment, out reason))
        {
            _line.Append(CultureInfo.InvariantCulture, $"protocol {ip.Protocol} {reason} length {packet.Length}");
        }
        else
        {
            AppendSegment(segment);
        }

        if (fate != PacketFate.OnItsWay)
        {
            _line.Append(' ').Append(Name(fate));
        }

        output.Write(_line.Append('\n'));
    }

    /// <inheritdoc/>
    public void HandleDelivered(Instant now, SimulatedPath path, PathDirection direction, ReadOnlySpan<byte> packet)
    {
    }

    /// <summary>What became of a packet, in words.</summary>
    internal static string Name(PacketFate fate) => fate switch
    {
        PacketFate.OnItsWay => "on its way",
        PacketFate.QueueDrop => "queue full",
        PacketFate.EarlyDrop => "early drop",
        PacketFate.Lost => "lost",
        PacketFate.BlackHoled => "cut",
        _ => "filtered",
    };

    private void AppendSegment(in TcpSegment segment)
    {
        uint origin = Origin(segment);
        uint peerOrigin = _origins.GetValueOrDefault((segment.Destination, segment.Source));
        AppendFlags(segment.Flags);
        _line.Append(CultureInfo.InvariantCulture, $" {unchecked(segment.SequenceNumber - origin)}");
        if (segment.Ack)
        {
            _line.Append(CultureInfo.InvariantCulture, $" ack {unchecked(segment.AcknowledgmentNumber - peerOrigin)}");
        }

        _line.Append(CultureInfo.InvariantCulture, $" win {segment.Window} len {segment.Payload.Length}");
        if (segment.Ecn != 0)
        {
            _line.Append(CultureInfo.InvariantCulture, $" ecn {segment.Ecn}");
        }

        if (!segment.Options.IsEmpty)
        {
            _line.Append(" <");
            OptionText.Append(_line, segment.Options, peerOrigin);
            _line.Append('>');
        }
    }

    private uint Origin(in TcpSegment segment)
    {
        (IpEndpoint, IpEndpoint) key = (segment.Source, segment.Destination);
        if (segment.Syn || !_origins.TryGetValue(key, out uint origin))
        {
            // A stream that was not seen to begin counts from its first segment.
            _origins[key] = origin = segment.SequenceNumber;
        }

        return origin;
    }

    private void AppendFlags(TcpFlags flags)
    {
        const string letters = "FSRP.UEW";
        int before = _line.Length;
        foreach (int bit in (ReadOnlySpan<int>)[1, 0, 2, 3, 5, 6, 7, 4])
        {
            if (((int)flags >> bit & 1) != 0)
            {
                _line.Append(letters[bit]);
            }
        }

        if (_line.Length == before)
        {
            _line.Append('-');
        }
    }
}
