using System.Buffers.Binary;
using System.Security.Cryptography;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Stack;

/// <summary>Initial sequence numbers of RFC 6528 §3: a clock of 4 us plus a keyed hash of the connection's identity.</summary>
internal sealed class InitialSequenceNumbers
{
    private readonly byte[] _secret = new byte[16];

    public InitialSequenceNumbers(IEntropySource entropy) => entropy.Fill(_secret);

    public uint Next(Instant now, IpEndpoint local, IpEndpoint remote)
    {
        Span<byte> identity = stackalloc byte[16 + 2 * (16 + 2)];
        identity.Clear();
        _secret.CopyTo(identity);
        Write(identity[16..], local);
        Write(identity[34..], remote);
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(identity, digest);
        return unchecked(BinaryPrimitives.ReadUInt32BigEndian(digest) + (uint)(now.Nanoseconds / 4000));
    }

    private static void Write(Span<byte> room, IpEndpoint endpoint)
    {
        endpoint.Address.CopyTo(room);
        BinaryPrimitives.WriteUInt16BigEndian(room[16..], endpoint.Port);
    }
}
