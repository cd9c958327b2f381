using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Mptcp.Lab;

/// <summary>
/// What arrived of a byte stream: how much, how fast, its SHA-256, and how long nothing came. One thread adds; any thread
/// may read <see cref="Bytes"/>.
/// </summary>
public sealed class StreamMeter : IDisposable
{
    private const int PieceSize = 262_144;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _start = Stopwatch.GetTimestamp();
    private long _last;
    private long _bytes;

    /// <summary>Bytes so far.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>The longest time between two arrivals.</summary>
    public TimeSpan LongestGap { get; private set; }

    /// <summary>From the making of the meter, or from <see cref="Start"/>, to the last arrival.</summary>
    public TimeSpan Elapsed => _last == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_start, _last);

    /// <summary>Bits of payload per second, in millions, over <see cref="Elapsed"/>; 0 when nothing came.</summary>
    public double MegabitsPerSecond => _last == 0 ? 0 : Bytes * 8 / Elapsed.TotalSeconds / 1e6;

    /// <summary>The SHA-256 of what came so far.</summary>
    public string Sha256 => Convert.ToHexString(_hash.GetCurrentHash());

    /// <summary>Counts time from now on.</summary>
    public void Start() => _start = Stopwatch.GetTimestamp();

    /// <summary>Counts an arrival.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        long now = Stopwatch.GetTimestamp();
        if (_last != 0)
        {
            TimeSpan gap = Stopwatch.GetElapsedTime(_last, now);
            LongestGap = gap > LongestGap ? gap : LongestGap;
        }

        _last = now;
        _hash.AppendData(bytes);
        Volatile.Write(ref _bytes, _bytes + bytes.Length);
    }

    /// <summary>Receives to the end of the stream.</summary>
    public async Task ReceiveAsync(Socket socket, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var piece = new byte[PieceSize];
        int count;
        while ((count = await socket.ReceiveAsync(piece, cancellationToken).ConfigureAwait(false)) > 0)
        {
            Add(piece.AsSpan(0, count));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
