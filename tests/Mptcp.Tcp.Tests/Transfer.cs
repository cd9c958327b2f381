namespace Mptcp.Tcp.Tests;

/// <summary>A numbered byte stream through one direction of a pair, closed at its end.</summary>
public sealed class Transfer(TcpConnection from, ByteStreamUser source, ByteStreamUser sink, int size)
{
    private readonly byte[] _chunk = new byte[4096];
    private int _written;
    private int _read;

    public bool Equal { get; private set; } = true;

    public bool Complete => _read == size && sink.PeerFinished;

    /// <summary>Writes and reads what is possible now; <paramref name="to"/> owes its peer the window update.</summary>
    public void Pump(TcpConnection to)
    {
        while (_written < size && from.State is TcpState.Established or TcpState.CloseWait)
        {
            int count = Math.Min(_chunk.Length, size - _written);
            for (int i = 0; i < count; i++)
            {
                _chunk[i] = At(_written + i);
            }

            int taken = source.Write(_chunk.AsSpan(0, count));
            _written += taken;
            if (_written == size)
            {
                from.Close();
            }

            if (taken == 0)
            {
                break;
            }
        }

        for (int count = sink.Read(_chunk); count > 0; count = sink.Read(_chunk))
        {
            for (int i = 0; i < count; i++)
            {
                Equal &= _chunk[i] == At(_read + i);
            }

            _read += count;
        }

        if (sink.WindowUpdateDue)
        {
            to.RequestAck();
        }
    }

    public override string ToString() => $"written {_written}, read {_read} of {size}, closed {sink.PeerFinished}";

    private static byte At(int index) => (byte)((index * 31) ^ (index >> 8));
}
