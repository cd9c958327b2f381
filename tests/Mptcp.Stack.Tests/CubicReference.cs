namespace Mptcp.Stack.Tests;

/// <summary>
/// What CUBIC (RFC 9438) makes of a path when recovery costs what it must and nothing more: round by round, in segments and
/// seconds. A round sends the window; what is lost of it goes again in the next one, with the smaller window and no growth.
/// </summary>
internal sealed class CubicReference(double segmentsPerSecond, double roundTrip, double queue)
{
    // A quarter at a time: within a round the window grows with each acknowledgement.
    private const int Pieces = 4;
    private double _window = 10;
    private double _threshold = double.MaxValue;
    private double _plateau;
    private double _before;
    private double _friendly;
    private double _start;
    private double _epoch = -1;
    private double _now;

    /// <summary>Segments per second at the receiver when those are lost that <paramref name="losses"/> names, in order.</summary>
    public double Goodput(IReadOnlyList<bool> losses)
    {
        long delivered = 0;
        bool recovering = false;
        for (int at = 0; at < losses.Count;)
        {
            int count = Math.Min(Math.Max((int)_window, 1), losses.Count - at);
            double full = (segmentsPerSecond * roundTrip) + queue;
            int dropped = (int)Math.Max(0, count - full);
            int lost = dropped;
            for (int i = 0; i < count - dropped; i++)
            {
                lost += losses[at++] ? 1 : 0;
            }

            double time = Math.Max(roundTrip, count / segmentsPerSecond);
            delivered += count - lost;
            Answer(count - lost, time, lost > 0, recovering);
            recovering = lost > 0 && !recovering;
        }

        return delivered / _now;
    }

    private void Answer(int arrived, double time, bool lost, bool recovering)
    {
        if (lost && !recovering)
        {
            Lose();
            _now += time;
            return;
        }

        for (int piece = 0; piece < Pieces; piece++)
        {
            _now += time / Pieces;
            if (!recovering)
            {
                Grow((double)arrived / Pieces, time);
            }
        }
    }

    private void Grow(double arrived, double time)
    {
        if (_window < _threshold)
        {
            _window += arrived;
            return;
        }

        if (_epoch < 0)
        {
            (_epoch, _start, _friendly) = (_now, _window, _window);
            _plateau = Math.Max(_plateau, _window);
        }

        _friendly += (_friendly >= _before ? 1 : 9.0 / 17) * arrived / _window;
        double curve = Curve(_now - _epoch);
        _window = curve < _friendly
            ? Math.Max(_window, _friendly)
            : _window + ((Math.Clamp(Curve(_now - _epoch + time), _window, 1.5 * _window) - _window) * arrived / _window);
    }

    private void Lose()
    {
        _before = _window;
        _plateau = _window < _plateau ? _window * 0.85 : _window;
        _window = _threshold = Math.Max(0.7 * _window, 2);
        _epoch = -1;
    }

    private double Curve(double elapsed) =>
        (0.4 * Math.Pow(elapsed - Math.Cbrt((_plateau - _start) / 0.4), 3)) + _plateau;
}
