using System.Runtime.CompilerServices;

namespace Mptcp.Wire;

/// <summary>A range of octets that a receiver holds (RFC 2018 §3), in sequence numbers of the wire.</summary>
/// <param name="Left">The first octet of the range.</param>
/// <param name="Right">The octet after the last.</param>
public readonly record struct SackBlock(uint Left, uint Right);

/// <summary>Room for the four blocks that fit into one option.</summary>
[InlineArray(4)]
public struct SackBlocks
{
    private SackBlock _first;
}
