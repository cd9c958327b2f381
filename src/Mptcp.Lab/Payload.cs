using System.Net.Sockets;
using System.Security.Cryptography;
using Mptcp.Simulation;

namespace Mptcp.Lab;

/// <summary>A byte stream that follows from a seed, in pieces, with its SHA-256. One thread at a time but for <see cref="End"/>.</summary>
public sealed class Payload(long length, ulong seed = 1) : IDisposable
{
    private const int PieceSize = 65_536;

    private readonly SeededEntropy _bytes = new(seed);
    private readonly byte[] _piece = new byte[PieceSize];
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private volatile bool _ended;

    /// <summary>The length of the whole in bytes.</summary>
    public long Length { get; } = length;

    /// <summary>How many bytes were taken.</summary>
    public long Taken { get; private set; }

    /// <summary>The SHA-256 of what was taken so far.</summary>
    public string Sha256 => Convert.ToHexString(_hash.GetCurrentHash());

    /// <summary>The next piece, valid until the next call; empty at the end.</summary>
    public ReadOnlyMemory<byte> Next()
    {
        int count = _ended ? 0 : (int)Math.Min(PieceSize, Length - Taken);
        _bytes.Fill(_piece.AsSpan(0, count));
        _hash.AppendData(_piece, 0, count);
        Taken += count;
        return _piece.AsMemory(0, count);
    }

    /// <summary>What was taken is all there is. From any thread.</summary>
    public void End() => _ended = true;

    /// <summary>Sends what is left, and ends our direction of the stream.</summary>
    public async Task SendAsync(Socket socket, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(socket);
        for (ReadOnlyMemory<byte> piece = Next(); !piece.IsEmpty; piece = Next())
        {
            while (!piece.IsEmpty)
            {
                piece = piece[await socket.SendAsync(piece, cancellationToken).ConfigureAwait(false)..];
            }
        }

        socket.Shutdown(SocketShutdown.Send);
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();
}
