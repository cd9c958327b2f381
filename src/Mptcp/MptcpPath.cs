using System.Net;
using Mptcp.Hosting;

namespace Mptcp;

/// <summary>An address of the engine on a link of the application.</summary>
/// <param name="Link">Carries IP packets. The engine calls it on its own thread and does not dispose it.</param>
/// <param name="Address">The engine's address on the link.</param>
/// <param name="Mtu">The largest IP packet of the link in bytes, at least 576.</param>
/// <param name="Outside">The address by which peers know this one, where NAT lies between; null: the same.</param>
/// <param name="Name">What <see cref="MptcpSubflow.Path"/> calls it; null: by its number.</param>
public sealed record MptcpPath(
    ILink Link, IPAddress Address, int Mtu = 1500, IPAddress? Outside = null, string? Name = null);
