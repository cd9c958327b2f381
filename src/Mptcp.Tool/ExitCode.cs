namespace Mptcp.Tool;

/// <summary>How the command ended, for scripts. A signal N that ended it is 128 + N, as shells say it.</summary>
internal enum ExitCode
{
    /// <summary>The stream was closed cleanly both ways.</summary>
    Clean = 0,

    /// <summary>The connection, or the standard input or output, failed midway.</summary>
    Failed = 1,

    /// <summary>The command line is wrong.</summary>
    Usage = 2,

    /// <summary>The set-up failed: rights, device, port in use, tool missing, capture file.</summary>
    SetUp = 3,

    /// <summary>The peer is not there: unknown host, no answer, or refused.</summary>
    NoPeer = 4,

    /// <summary>A fault of the program itself.</summary>
    Internal = 70,

    /// <summary>Added to the number of the signal that ended the command.</summary>
    Signal = 128,
}
