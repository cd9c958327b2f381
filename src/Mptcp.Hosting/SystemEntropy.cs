using System.Security.Cryptography;
using Mptcp.Tcp;

namespace Mptcp.Hosting;

/// <summary>The operating system's randomness.</summary>
public sealed class SystemEntropy : IEntropySource
{
    /// <inheritdoc/>
    public void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);
}
