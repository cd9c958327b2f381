using System.Runtime.CompilerServices;

namespace Mptcp.Tcp;

/// <summary>
/// The latest SACK blocks. Each acknowledgement repeats what those before it said, and a little more, so that only the
/// difference has to be looked at.
/// </summary>
internal struct KnownBlocks
{
    private const int Capacity = 4;
    private Blocks _blocks;
    private int _oldest;

    /// <summary>Remembers a block; returns the known one that is within it, or an empty one at its left edge.</summary>
    public (long Left, long Right) Exchange(long left, long right)
    {
        (long Left, long Right) within = (left, left);
        int place = _oldest;
        for (int i = 0; i < Capacity; i++)
        {
            (long l, long r) = _blocks[i];
            if (l >= left && r <= right && r - l > within.Right - within.Left)
            {
                (within, place) = ((l, r), i);
            }
        }

        _blocks[place] = (left, right);
        _oldest = place == _oldest ? (_oldest + 1) % Capacity : _oldest;
        return within;
    }

    /// <summary>Forgets them.</summary>
    public void Clear() => _blocks = default;

    [InlineArray(Capacity)]
    private struct Blocks
    {
        private (long Left, long Right) _first;
    }
}
