namespace Mptcp.Tool;

/// <summary>Ends the command with a code and one line.</summary>
internal sealed class ToolException(ExitCode code, string message) : Exception(message)
{
    public ExitCode Code { get; } = code;
}
