namespace Mptcp.Tcp;

/// <summary>
/// A point in time: nanoseconds since an origin that the owner of the clock chose (the start of the process, the start
/// of a simulation). The engine never reads a clock: every input carries its <c>now</c>.
/// </summary>
/// <param name="Nanoseconds">Nanoseconds since the origin. Not negative in use.</param>
public readonly record struct Instant(long Nanoseconds) : IComparable<Instant>
{
    /// <summary>Nanoseconds in a millisecond.</summary>
    public const long Millisecond = 1_000_000;

    /// <summary>Nanoseconds in a second.</summary>
    public const long Second = 1_000_000_000;

    /// <summary>The origin of time.</summary>
    public static Instant Zero => default;

    /// <summary>Later than everything: a deadline that is not armed.</summary>
    public static Instant Never => new(long.MaxValue);

    /// <summary>The earlier of two points.</summary>
    public static Instant Min(Instant a, Instant b) => a.Nanoseconds <= b.Nanoseconds ? a : b;

    /// <summary>The point <paramref name="nanoseconds"/> later.</summary>
    public static Instant operator +(Instant at, long nanoseconds) => new(at.Nanoseconds + nanoseconds);

    /// <summary>The nanoseconds from <paramref name="b"/> to <paramref name="a"/>.</summary>
    public static long operator -(Instant a, Instant b) => a.Nanoseconds - b.Nanoseconds;

    /// <summary>Earlier.</summary>
    public static bool operator <(Instant a, Instant b) => a.Nanoseconds < b.Nanoseconds;

    /// <summary>Later.</summary>
    public static bool operator >(Instant a, Instant b) => a.Nanoseconds > b.Nanoseconds;

    /// <summary>Not later.</summary>
    public static bool operator <=(Instant a, Instant b) => a.Nanoseconds <= b.Nanoseconds;

    /// <summary>Not earlier.</summary>
    public static bool operator >=(Instant a, Instant b) => a.Nanoseconds >= b.Nanoseconds;

    /// <summary>Same as <c>operator +</c>.</summary>
    public Instant Add(long nanoseconds) => this + nanoseconds;

    /// <summary>Same as <c>operator -</c>.</summary>
    public long Subtract(Instant other) => this - other;

    /// <inheritdoc/>
    public int CompareTo(Instant other) => Nanoseconds.CompareTo(other.Nanoseconds);
}
