using System.Runtime.InteropServices;

namespace Mptcp.Tool;

/// <summary>
/// Turns the first SIGINT, SIGTERM or SIGHUP into a cancellation, so that everything is taken down in order. The second
/// one ends the process as it would any other.
/// </summary>
internal sealed class EndSignals : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private int _number;

    public EndSignals() => _registrations =
    [
        Register(PosixSignal.SIGHUP, 1),
        Register(PosixSignal.SIGINT, 2),
        Register(PosixSignal.SIGTERM, 15),
    ];

    public CancellationToken Token => _source.Token;

    /// <summary>What the signal makes of the exit code; null when none came.</summary>
    public int? ExitCode => Volatile.Read(ref _number) is var number and not 0 ? (int)Tool.ExitCode.Signal + number : null;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
        _source.Dispose();
    }

    private PosixSignalRegistration Register(PosixSignal signal, int number) => PosixSignalRegistration.Create(
        signal,
        context =>
        {
            if (Interlocked.CompareExchange(ref _number, number, 0) == 0)
            {
                context.Cancel = true;
                _source.Cancel();
            }
        });
}
