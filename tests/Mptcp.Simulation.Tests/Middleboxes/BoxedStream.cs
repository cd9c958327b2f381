using Mptcp.Stack;
using Mptcp.Tcp;

namespace Mptcp.Simulation.Tests;

/// <summary>A stream from one socket to another, closed at its end, and what arrives of it.</summary>
internal sealed class BoxedStream(StackSocket from, StackSocket to, byte[] sent)
{
    private readonly List<byte> _received = [];
    private readonly byte[] _chunk = new byte[16_384];
    private int _written;
    private bool _closed;

    public byte[] Received => [.. _received];

    public bool EndSeen => to.EndOfStream;

    /// <summary>Whether every byte came, and the end.</summary>
    public bool Whole => EndSeen && Unaltered && _received.Count == sent.Length;

    /// <summary>Whether what came are the bytes that were sent, as far as they go.</summary>
    public bool Unaltered { get; private set; } = true;

    /// <summary>Whether another byte was delivered while the receiver still spoke Multipath TCP.</summary>
    public bool AlteredInMultipath { get; private set; }

    /// <summary>Whether half of it was read, but for what a box took away, or nobody will read any more of it.</summary>
    public bool HalfRead => _received.Count >= sent.Length / 2 - 100 || to.State == TcpState.Closed;

    /// <summary>Writes and reads what is possible now.</summary>
    /// <param name="whole">Whether more than the first half may be written.</param>
    public void Pump(bool whole)
    {
        int limit = whole ? sent.Length : sent.Length / 2;
        while (_written < limit
            && from.State is TcpState.Established or TcpState.CloseWait
            && from.TryWrite(sent.AsSpan(_written, limit - _written)) is > 0 and int taken)
        {
            _written += taken;
        }

        if (whole && _written == sent.Length && !_closed)
        {
            _closed = true;
            from.CompleteWrites();
        }

        for (int count = to.TryRead(_chunk); count > 0; count = to.TryRead(_chunk))
        {
            ReadOnlySpan<byte> expected = sent.AsSpan(Math.Min(sent.Length, _received.Count));
            if (count > expected.Length || !expected[..count].SequenceEqual(_chunk.AsSpan(0, count)))
            {
                Unaltered = false;
                AlteredInMultipath |= to.IsMultipath;
            }

            _received.AddRange(_chunk.AsSpan(0, count));
        }
    }

    public override string ToString() =>
        $"wrote {_written}, read {_received.Count} of {sent.Length}, unaltered {Unaltered}, end {EndSeen}, from {from.State} {from.CloseReason}, to {to.State} {to.CloseReason}";
}
