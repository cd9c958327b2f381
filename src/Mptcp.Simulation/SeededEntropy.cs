using System.Buffers.Binary;
using Mptcp.Tcp;

namespace Mptcp.Simulation;

/// <summary>Bytes that follow from a seed, so that a run can be repeated. Not for production: they can be foretold.</summary>
public sealed class SeededEntropy(ulong seed) : IEntropySource
{
    private ulong _index;

    /// <inheritdoc/>
    public void Fill(Span<byte> destination)
    {
        Span<byte> word = stackalloc byte[sizeof(ulong)];
        while (!destination.IsEmpty)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, SplitMix64.At(seed, _index++));
            int count = Math.Min(word.Length, destination.Length);
            word[..count].CopyTo(destination);
            destination = destination[count..];
        }
    }
}
