using System.Globalization;

namespace Mptcp.Tool.Simulate;

/// <summary>Numbers with a unit, as people write them: "30 Mbit/s", "10 ms", "90 kB", "0.5 %". Decimal, never binary, so that
/// the same text is the same integer everywhere.</summary>
/// <param name="What">What is expected, for an error.</param>
/// <param name="Units">Each unit and what one of it is.</param>
internal sealed record Quantity(string What, IReadOnlyDictionary<string, decimal> Units)
{
    public static readonly Quantity Rate = new("a rate such as \"30 Mbit/s\"", new Dictionary<string, decimal>
    {
        ["bit/s"] = 1,
        ["kbit/s"] = 1_000,
        ["Mbit/s"] = 1_000_000,
        ["Gbit/s"] = 1_000_000_000,
    });

    public static readonly Quantity Duration = new("a duration such as \"10 ms\"", new Dictionary<string, decimal>
    {
        ["ns"] = 1,
        ["us"] = 1_000,
        ["ms"] = 1_000_000,
        ["s"] = 1_000_000_000,
        ["min"] = 60_000_000_000,
        ["h"] = 3_600_000_000_000,
    });

    public static readonly Quantity Size = new("a size such as \"90 kB\"", new Dictionary<string, decimal>
    {
        ["B"] = 1,
        ["kB"] = 1_000,
        ["MB"] = 1_000_000,
        ["GB"] = 1_000_000_000,
        ["KiB"] = 1 << 10,
        ["MiB"] = 1 << 20,
        ["GiB"] = 1 << 30,
    });

    public static readonly Quantity Chance = new("a chance of 0 % to 100 % such as \"0.5 %\"", new Dictionary<string, decimal>
    {
        ["%"] = 10_000,
    });

    // More than any of them needs, and sums of some still fit a long.
    private const decimal Most = 1_000_000_000_000_000_000;

    /// <summary>Reads a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="value">In bits per second, nanoseconds, bytes, or a million.</param>
    /// <param name="wrong">What is wrong.</param>
    public bool TryParse(string text, out long value, out string wrong)
    {
        value = 0;
        string trimmed = text.Trim();
        int end = 0;
        while (end < trimmed.Length && (char.IsAsciiDigit(trimmed[end]) || trimmed[end] is '.' or '-' or '+'))
            end++;
        if (!decimal.TryParse(
            trimmed[..end], NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out decimal number))
        {
            wrong = $"'{text}' has no number";
            return false;
        }

        string unit = trimmed[end..].Trim();
        if (!Units.TryGetValue(unit, out decimal one))
        {
            wrong = $"'{text}' has {(unit.Length == 0 ? "no unit" : $"the unknown unit '{unit}'")}";
            return false;
        }

        wrong = number < 0 ? $"'{text}' is negative"
            : number > Most / one ? $"'{text}' is too large"
            : this == Chance && number > 100 ? $"'{text}' is more than 100 %"
            : "";
        if (wrong.Length > 0)
            return false;
        value = (long)decimal.Round(number * one);
        return true;
    }
}
