using System.Net;

namespace Mptcp.Links;

/// <summary>One address of the engine on a path, and the one that the world sees in its place.</summary>
/// <param name="EngineAddress">The private address that the engine uses on the TUN.</param>
/// <param name="OutsideAddress">The device's address that NAT puts in its place: the one to announce in ADD_ADDR.</param>
/// <param name="PrefixLength">Prefix length on the TUN: 30 for IPv4, 126 for IPv6.</param>
public readonly record struct ViaAddress(IPAddress EngineAddress, IPAddress OutsideAddress, int PrefixLength);

/// <summary>One outside device and the TUN through which the engine uses it.</summary>
public sealed class ViaPath
{
    internal ViaPath(string device, TunDevice tun, int mtu, IReadOnlyList<ViaAddress> addresses)
    {
        Device = device;
        Tun = tun;
        Mtu = mtu;
        Addresses = addresses;
    }

    /// <summary>The outside device, for instance <c>wlan0</c>.</summary>
    public string Device { get; }

    /// <summary>The TUN to read and write; owned by the <see cref="ViaPathSet"/>.</summary>
    public TunDevice Tun { get; }

    /// <summary>The TUN's interface name.</summary>
    public string TunName => Tun.Name;

    /// <summary>The MTU of the device and of the TUN, in bytes.</summary>
    public int Mtu { get; }

    /// <summary>IPv4 first, then IPv6, as far as the device has them; never empty.</summary>
    public IReadOnlyList<ViaAddress> Addresses { get; }
}
