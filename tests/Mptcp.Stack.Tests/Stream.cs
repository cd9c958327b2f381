using Mptcp.Tcp;

namespace Mptcp.Stack.Tests;

/// <summary>A numbered byte stream from one socket to another, closed at its end.</summary>
internal sealed class Stream(StackSocket from, StackSocket to, int size)
{
    private readonly byte[] _chunk = new byte[16_384];
    private int _written;
    private int _read;
    private bool _closed;

    public int Received => _read;

    /// <summary>Whether the application reads at all; one that does not lets its window close.</summary>
    public bool Reads { get; set; } = true;

    public bool Intact { get; private set; } = true;

    public bool Complete => _read == size && to.EndOfStream;

    public void Pump()
    {
        while (_written < size && from.State is TcpState.Established or TcpState.CloseWait)
        {
            int count = Math.Min(_chunk.Length, size - _written);
            for (int i = 0; i < count; i++)
            {
                _chunk[i] = At(_written + i);
            }

            int taken = from.TryWrite(_chunk.AsSpan(0, count));
            _written += taken;
            if (taken == 0)
            {
                break;
            }
        }

        if (_written == size && !_closed)
        {
            _closed = true;
            from.CompleteWrites();
        }

        for (int count = Read(); count > 0; count = Read())
        {
            for (int i = 0; i < count; i++)
            {
                Intact &= _chunk[i] == At(_read + i);
            }

            _read += count;
        }
    }

    public override string ToString() =>
        $"written {_written}, read {_read} of {size}, intact {Intact}, from {from.State}, to {to.State} {to.CloseReason}";

    private int Read() => Reads ? to.TryRead(_chunk) : 0;

    private static byte At(int index) => (byte)((index * 31) ^ (index >> 8) ^ (index >> 17));
}
