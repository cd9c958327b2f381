namespace Mptcp.Tool.Simulate;

/// <summary>Something is wrong in a scenario file.</summary>
/// <param name="line">The line, from 1.</param>
/// <param name="wrong">What is wrong.</param>
/// <param name="expected">What would be right.</param>
internal sealed class ScenarioException(int line, string wrong, string expected)
    : Exception($"{wrong}; expected {expected}")
{
    public int Line => line;
}
