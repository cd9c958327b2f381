using System.Buffers.Binary;
using System.Security.Cryptography;
using Mptcp.Tcp;

namespace Mptcp.Native;

/// <summary>Bytes that follow from a seed, and cannot be foretold without it: SHA-256 of the seed and a counter.</summary>
internal sealed class SeededEntropy(ulong seed) : IEntropySource
{
    private readonly byte[] _block = new byte[SHA256.HashSizeInBytes];
    private ulong _counter;
    private int _used = SHA256.HashSizeInBytes;

    public void Fill(Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            if (_used == _block.Length)
            {
                Refill();
            }

            int count = Math.Min(destination.Length, _block.Length - _used);
            _block.AsSpan(_used, count).CopyTo(destination);
            _used += count;
            destination = destination[count..];
        }
    }

    private void Refill()
    {
        Span<byte> input = stackalloc byte[2 * sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(input, seed);
        BinaryPrimitives.WriteUInt64LittleEndian(input[sizeof(ulong)..], _counter++);
        SHA256.HashData(input, _block);
        _used = 0;
    }
}

/// <summary>The operating system's randomness.</summary>
internal sealed class SystemEntropy : IEntropySource
{
    public void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);
}
