using Mptcp.Links;
using Mptcp.Wire;

namespace Mptcp.Lab;

/// <summary>
/// Several hosts at one end of a path, as behind one router: a kernel and links of engines. What arrives goes by its IPv4
/// destination, to the kernel where no link has it. Disposes them all.
/// </summary>
/// <param name="kernel">The kernel's end.</param>
/// <param name="links">The engines' ends, with the address of each.</param>
public sealed class SharedPathEnd(TunPathEnd kernel, IReadOnlyList<(IpAddress Address, EmulatorLink Link)> links) : PathEnd
{
    internal override TunDevice? Device => kernel.Device;

    internal override int TakeFromHost(Span<byte> buffer) => kernel.TakeFromHost(buffer);

    internal override bool GiveToHost(ReadOnlySpan<byte> packet)
    {
        if (IpPacket.TryParse(packet, out IpPacket parsed, out _))
        {
            for (int i = 0; i < links.Count; i++)
            {
                if (links[i].Address == parsed.Destination)
                {
                    return links[i].Link.GiveToHost(packet);
                }
            }
        }

        return kernel.GiveToHost(packet);
    }

    internal override void Attach(EmulatedPath path, Simulation.PathDirection outgoing)
    {
        kernel.Attach(path, outgoing);
        foreach ((_, EmulatorLink link) in links)
        {
            link.Attach(path, outgoing);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        kernel.Dispose();
        foreach ((_, EmulatorLink link) in links)
        {
            link.Dispose();
        }

        base.Dispose(disposing);
    }
}
