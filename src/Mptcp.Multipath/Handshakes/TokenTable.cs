using System.Buffers.Binary;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Multipath;

/// <summary>
/// The tokens of a host's connections (RFC 8684 §3.1): what an MP_JOIN names, and what makes a new key unique. Owned by
/// one stack; not thread-safe.
/// </summary>
/// <param name="entropy">Where keys and random numbers come from.</param>
/// <param name="chooseKey">Chooses keys, as long as they can be used; null: they are drawn.</param>
/// <typeparam name="TConnection">What a token stands for.</typeparam>
public sealed class TokenTable<TConnection>(IEntropySource entropy, Func<ulong>? chooseKey = null)
    where TConnection : class
{
    private const int Choices = 16;
    private readonly Dictionary<uint, TConnection> _connections = [];

    /// <summary>Connections that have a token.</summary>
    public int Count => _connections.Count;

    /// <summary>
    /// Draws a key whose token no connection here has, and gives the token to <paramref name="connection"/>.
    /// </summary>
    /// <returns>The key; never 0, which no peer could tell from an empty field.</returns>
    public ulong Register(TConnection connection)
    {
        for (int i = 0; chooseKey is not null && i < Choices; i++)
        {
            ulong chosen = chooseKey();
            if (chosen != 0 && _connections.TryAdd(MptcpCrypto.Token(chosen), connection))
            {
                return chosen;
            }
        }

        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        while (true)
        {
            entropy.Fill(bytes);
            ulong key = BinaryPrimitives.ReadUInt64BigEndian(bytes);
            if (key != 0 && _connections.TryAdd(MptcpCrypto.Token(key), connection))
            {
                return key;
            }
        }
    }

    /// <summary>Whether no connection here has the token of <paramref name="key"/>.</summary>
    public bool IsFree(ulong key) => !_connections.ContainsKey(MptcpCrypto.Token(key));

    /// <summary>Gives the token of a key that the host has chosen otherwise; false when another connection has it.</summary>
    public bool TryRegister(ulong key, TConnection connection) => _connections.TryAdd(MptcpCrypto.Token(key), connection);

    /// <summary>A random number for an MP_JOIN (RFC 8684 §3.2).</summary>
    public uint DrawNonce()
    {
        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        entropy.Fill(bytes);
        return BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }

    /// <summary>The connection that an MP_JOIN with this token asks for.</summary>
    public bool TryFind(uint token, out TConnection? connection) => _connections.TryGetValue(token, out connection);

    /// <summary>The connection of <paramref name="key"/> is over: its token is free.</summary>
    public void Release(ulong key) => _connections.Remove(MptcpCrypto.Token(key));
}
