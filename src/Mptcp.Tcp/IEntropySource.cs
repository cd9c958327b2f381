namespace Mptcp.Tcp;

/// <summary>
/// Where unpredictable bytes come from: the operating system for a host in production, a seeded generator in the
/// laboratory, so that a run can be repeated.
/// </summary>
public interface IEntropySource
{
    /// <summary>Fills the whole span.</summary>
    void Fill(Span<byte> destination);
}
