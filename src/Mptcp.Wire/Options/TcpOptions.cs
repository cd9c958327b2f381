using System.Buffers.Binary;

namespace Mptcp.Wire;

/// <summary>
/// The options of one segment that plain TCP knows, read in one pass. An option of a wrong length is passed over like an
/// unknown one; of repeated options the last counts.
/// </summary>
public struct TcpOptions
{
    /// <summary>The greatest window scale shift; a greater one on the wire means this (RFC 7323 §2.3).</summary>
    public const byte MaxWindowScale = 14;

    private SackBlocks _sack;

    /// <summary>The peer's MSS, in octets of payload; null when not said.</summary>
    public ushort? MaximumSegmentSize { get; private set; }

    /// <summary>The peer's window scale shift, 0 to 14; null when not said.</summary>
    public byte? WindowScale { get; private set; }

    /// <summary>Whether SACK is permitted.</summary>
    public bool SackPermitted { get; private set; }

    /// <summary>Whether there is a timestamps option.</summary>
    public bool HasTimestamps { get; private set; }

    /// <summary>TSval.</summary>
    public uint TimestampValue { get; private set; }

    /// <summary>TSecr, meaningful when ACK is set.</summary>
    public uint TimestampEcho { get; private set; }

    /// <summary>Number of SACK blocks, 0 to 4.</summary>
    public int SackCount { get; private set; }

    /// <summary>Whether there is any MPTCP option; read them with <see cref="TcpOptionReader"/>.</summary>
    public bool HasMptcp { get; private set; }

    /// <summary>The Fast Open cookie, or the request for one; null when neither is there. Counts in a SYN only.</summary>
    public FastOpenCookie? FastOpen { get; private set; }

    /// <summary>Reads the options of a segment.</summary>
    /// <param name="options">The option octets of the TCP header.</param>
    /// <param name="parsed">What was found, also what stands before the damage.</param>
    /// <returns>False when the options are malformed.</returns>
    public static bool TryParse(ReadOnlySpan<byte> options, out TcpOptions parsed)
    {
        parsed = default;
        var reader = new TcpOptionReader(options);
        while (reader.TryRead(out byte kind, out ReadOnlySpan<byte> option)) parsed.Take(kind, option);
        return !reader.Malformed;
    }

    /// <summary>A SACK block.</summary>
    /// <param name="index">0 up to <see cref="SackCount"/>, exclusive.</param>
    public readonly SackBlock GetSack(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)SackCount, nameof(index));
        return _sack[index];
    }

    private void Take(byte kind, ReadOnlySpan<byte> option)
    {
        switch (kind, option.Length)
        {
            case (TcpOptionKind.MaximumSegmentSize, 4):
                MaximumSegmentSize = BinaryPrimitives.ReadUInt16BigEndian(option[2..]);
                break;
            case (TcpOptionKind.WindowScale, 3):
                WindowScale = Math.Min(option[2], MaxWindowScale);
                break;
            case (TcpOptionKind.SackPermitted, 2):
                SackPermitted = true;
                break;
            case (TcpOptionKind.Timestamps, 10):
                HasTimestamps = true;
                TimestampValue = BinaryPrimitives.ReadUInt32BigEndian(option[2..]);
                TimestampEcho = BinaryPrimitives.ReadUInt32BigEndian(option[6..]);
                break;
            case (TcpOptionKind.Sack, 10 or 18 or 26 or 34):
                TakeSack(option[2..]);
                break;
            case (TcpOptionKind.Mptcp, _):
                HasMptcp = true;
                break;
            case (TcpOptionKind.FastOpen, _) when FastOpenCookie.TryCreate(option[2..], out FastOpenCookie cookie):
                FastOpen = cookie;
                break;
            default:
                break;
        }
    }

    private void TakeSack(ReadOnlySpan<byte> blocks)
    {
        SackCount = blocks.Length / 8;
        for (int i = 0; i < SackCount; i++)
        {
            ReadOnlySpan<byte> block = blocks.Slice(i * 8, 8);
            _sack[i] = new SackBlock(
                BinaryPrimitives.ReadUInt32BigEndian(block), BinaryPrimitives.ReadUInt32BigEndian(block[4..]));
        }
    }
}
