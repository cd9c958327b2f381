namespace Mptcp.Links;

/// <summary>
/// A link cannot be made or used. The message is one line that says what is wrong, where, and what to do.
/// </summary>
public sealed class LinkException : Exception
{
    /// <summary>Creates the exception.</summary>
    public LinkException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    public LinkException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
