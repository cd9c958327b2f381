using System.Runtime.CompilerServices;

namespace Mptcp.Tcp;

/// <summary>The greatest sample of the last ten rounds that had one.</summary>
internal struct RoundMaximum
{
    private const int Rounds = 10;

    private Maxima _maxima;
    private int _current;
    private long _round;

    /// <summary>The greatest; 0 before the first.</summary>
    public long Value { get; private set; }

    /// <summary>A sample. A round without one does not age the others: silence says nothing of a rate.</summary>
    public void Add(long sample, long round)
    {
        if (round != _round)
        {
            _round = round;
            _current = (_current + 1) % Rounds;
            _maxima[_current] = 0;
            Value = 0;
            foreach (long maximum in _maxima)
            {
                Value = Math.Max(Value, maximum);
            }
        }

        _maxima[_current] = Math.Max(_maxima[_current], sample);
        Value = Math.Max(Value, sample);
    }

    [InlineArray(Rounds)]
    private struct Maxima
    {
        private long _first;
    }
}
