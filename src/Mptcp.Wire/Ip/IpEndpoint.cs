namespace Mptcp.Wire;

/// <summary>An address and a TCP port.</summary>
/// <param name="Address">The address.</param>
/// <param name="Port">The port, 0 where none is meant.</param>
public readonly record struct IpEndpoint(IpAddress Address, ushort Port)
{
    /// <summary>As <c>192.0.2.1:80</c> or <c>[2001:db8::1]:80</c>.</summary>
    public override string ToString() => Address.IsV6 ? $"[{Address}]:{Port}" : $"{Address}:{Port}";
}
