using System.Buffers.Binary;

namespace Mptcp.Wire;

/// <summary>
/// ADD_ADDR (RFC 8684 §3.4.1, Figure 12): an address, optionally a port, and an HMAC; or the echo of one, without HMAC.
/// </summary>
public readonly record struct AddAddressOption
{
    private const int EchoFlag = 1;
    private const int HmacLength = 8;

    /// <summary>The sender's identifier of the address.</summary>
    public byte AddressId { get; init; }

    /// <summary>The address.</summary>
    public IpAddress Address { get; init; }

    /// <summary>The port; null means the one of the subflow that carries the option.</summary>
    public ushort? Port { get; init; }

    /// <summary>Whether this confirms an announcement (flag E).</summary>
    public bool Echo { get; init; }

    /// <summary>The rightmost 64 bits of the HMAC; 0 on an echo, which has none.</summary>
    public ulong TruncatedHmac { get; init; }

    /// <summary>Octets of the option: IPv4 16, IPv6 28, two more with a port, eight fewer for an echo.</summary>
    public int Length => 4 + Address.ByteCount + (Port is null ? 0 : 2) + (Echo ? 0 : HmacLength);

    /// <summary>Reads an option.</summary>
    /// <param name="option">The whole option, kind and length included.</param>
    /// <param name="value">The fields.</param>
    /// <returns>False when it is another option or its length does not agree with its flags.</returns>
    public static bool TryParse(ReadOnlySpan<byte> option, out AddAddressOption value)
    {
        value = default;
        if (!MptcpOption.Is(option, MptcpSubtype.AddAddress)) return false;

        bool echo = (option[2] & EchoFlag) != 0;
        int addressAndPort = option.Length - 4 - (echo ? 0 : HmacLength);
        if (addressAndPort is not (4 or 6 or 16 or 18)) return false;

        int addressLength = addressAndPort & ~3;
        int portAt = 4 + addressLength;
        value = new AddAddressOption
        {
            AddressId = option[3],
            Address = IpAddress.FromBytes(option.Slice(4, addressLength)),
            Port = addressAndPort == addressLength ? null : BinaryPrimitives.ReadUInt16BigEndian(option[portAt..]),
            Echo = echo,
            TruncatedHmac = echo ? 0 : BinaryPrimitives.ReadUInt64BigEndian(option[^HmacLength..]),
        };
        return true;
    }

    /// <summary>The echo that confirms this announcement (RFC 8684 §3.4.1).</summary>
    public AddAddressOption ToEcho() => this with { Echo = true, TruncatedHmac = 0 };

    /// <summary>Writes the option.</summary>
    /// <returns>False when it does not fit.</returns>
    public bool TryWrite(ref TcpOptionWriter writer)
    {
        int flags = Echo ? EchoFlag : 0;
        if (!MptcpOption.TryBegin(ref writer, MptcpSubtype.AddAddress, Length, flags, out Span<byte> option)) return false;

        option[3] = AddressId;
        Address.CopyTo(option[4..]);
        if (Port is ushort port) BinaryPrimitives.WriteUInt16BigEndian(option[(4 + Address.ByteCount)..], port);
        if (!Echo) BinaryPrimitives.WriteUInt64BigEndian(option[^HmacLength..], TruncatedHmac);
        return true;
    }
}
