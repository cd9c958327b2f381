using Mptcp.Links;

namespace Mptcp.Lab;

/// <summary>Where an emulated path meets a host.</summary>
public abstract class PathEnd : IDisposable
{
    /// <summary>The descriptor to poll, if there is one.</summary>
    internal virtual TunDevice? Device => null;

    /// <summary>Takes a packet that the host sends; its length, or a value below 1 if there is none.</summary>
    internal abstract int TakeFromHost(Span<byte> buffer);

    /// <summary>Hands a packet to the host; false when the host does not take it.</summary>
    internal abstract bool GiveToHost(ReadOnlySpan<byte> packet);

    /// <summary>Tells the end whose it is.</summary>
    internal virtual void Attach(EmulatedPath path, Simulation.PathDirection outgoing)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives up what the end holds.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>A host behind a TUN: the kernel of the namespace in which the device was opened. Disposes the device.</summary>
public sealed class TunPathEnd(TunDevice device) : PathEnd
{
    internal override TunDevice Device => device;

    internal override int TakeFromHost(Span<byte> buffer) => device.TryRead(buffer);

    internal override bool GiveToHost(ReadOnlySpan<byte> packet) => device.TryWrite(packet) > 0;

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        device.Dispose();
        base.Dispose(disposing);
    }
}
