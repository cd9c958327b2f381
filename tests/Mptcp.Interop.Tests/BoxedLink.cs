using Mptcp.Hosting;
using Mptcp.Simulation;
using Mptcp.Tcp;

namespace Mptcp.Interop.Tests;

/// <summary>
/// A link with a middlebox before it. For boxes without timers, which answer nothing by themselves: the loop sleeps on the
/// link alone.
/// </summary>
/// <param name="inner">The link.</param>
/// <param name="box">Its middlebox.</param>
/// <param name="reversed">Whether the box stands at the far end: what arrives is what it calls outward.</param>
internal sealed class BoxedLink(ILink inner, Middlebox box, bool reversed) : ILink
{
    private readonly MiddleboxChain _chain = new(box);
    private readonly Queue<byte[]> _arrived = new();
    private readonly byte[] _buffer = new byte[ushort.MaxValue];

    /// <inheritdoc/>
    public int TryRead(Span<byte> buffer)
    {
        while (_arrived.Count == 0)
        {
            int length = inner.TryRead(buffer);
            if (length < 1)
            {
                return length;
            }

            Pass(fromUs: false, buffer[..length]);
        }

        byte[] packet = _arrived.Dequeue();
        packet.CopyTo(buffer);
        return packet.Length;
    }

    /// <inheritdoc/>
    public int TryWrite(ReadOnlySpan<byte> packet)
    {
        Pass(fromUs: true, packet);
        return packet.Length;
    }

    private void Pass(bool fromUs, ReadOnlySpan<byte> packet)
    {
        _chain.HandlePacket(new Instant(0), fromUs != reversed ? Heading.Outward : Heading.Inward, packet);
        while (_chain.TryTake(_buffer, out Heading heading, out int length, out bool dropped))
        {
            if (dropped)
            {
                continue;
            }

            if (heading == Heading.Outward != reversed)
            {
                inner.TryWrite(_buffer.AsSpan(0, length));
            }
            else
            {
                _arrived.Enqueue(_buffer[..length]);
            }
        }
    }
}
