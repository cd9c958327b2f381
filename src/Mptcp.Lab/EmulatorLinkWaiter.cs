using Mptcp.Hosting;
using Mptcp.Links;

namespace Mptcp.Lab;

/// <summary>What an engine's loop sleeps on when its links are ends of emulated paths.</summary>
public sealed class EmulatorLinkWaiter : ILinkWaiter
{
    private readonly IReadOnlyList<EmulatorLink> _links;
    private readonly PollWaiter _sleep = new([]);
    private int _sleeping;

    /// <summary>Makes the waiter of these links, and of no other.</summary>
    public EmulatorLinkWaiter(IReadOnlyList<EmulatorLink> links)
    {
        ArgumentNullException.ThrowIfNull(links);
        _links = links;
        foreach (EmulatorLink link in links)
        {
            link.Waiter = this;
        }
    }

    /// <inheritdoc/>
    public void Wait(long nanoseconds)
    {
        // First say that we sleep, then look: a packet that comes between wakes us for nothing, never too late.
        Interlocked.Exchange(ref _sleeping, 1);
        bool packet = false;
        for (int i = 0; i < _links.Count; i++)
        {
            packet |= _links[i].HasPacket;
        }

        _sleep.Wait(packet ? 0 : nanoseconds);
        Volatile.Write(ref _sleeping, 0);
    }

    /// <inheritdoc/>
    public void Wake() => _sleep.Wake();

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (EmulatorLink link in _links)
        {
            link.Waiter = null;
        }

        _sleep.Dispose();
    }

    internal void PacketCame()
    {
        if (Interlocked.Exchange(ref _sleeping, 0) == 1)
        {
            _sleep.Wake();
        }
    }
}
