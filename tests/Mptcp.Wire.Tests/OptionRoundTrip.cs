using Xunit;

namespace Mptcp.Wire.Tests;

internal delegate bool OptionWrite<T>(in T value, ref TcpOptionWriter writer);

internal delegate bool OptionParse<T>(ReadOnlySpan<byte> option, out T value);

/// <summary>What holds for every MPTCP option, whatever its fields.</summary>
internal static class OptionRoundTrip
{
    public static void Check<T>(T value, int length, MptcpSubtype subtype, OptionWrite<T> write, OptionParse<T> parse)
        where T : struct, IEquatable<T>
    {
        Span<byte> room = stackalloc byte[TcpPacket.MaxOptionsLength];
        room.Fill(0xEE);
        var writer = new TcpOptionWriter(room);
        Assert.True(write(value, ref writer));
        ReadOnlySpan<byte> option = writer.Written;
        Assert.Equal(length, option.Length);
        Assert.Equal(30, option[0]);
        Assert.Equal(length, option[1]);
        Assert.True(MptcpOption.TryGetSubtype(option, out MptcpSubtype actual));
        Assert.Equal(subtype, actual);
        Assert.False(room[length..].ContainsAnyExcept((byte)0xEE), "The writer went beyond the option.");

        Assert.True(parse(option, out T read));
        Assert.Equal(value, read);
        CheckCuts(option, write, parse);
        CheckRefusal(value, length, write);
    }

    private static void CheckCuts<T>(ReadOnlySpan<byte> option, OptionWrite<T> write, OptionParse<T> parse)
        where T : struct
    {
        byte[] cut = [.. option, 0, 0];
        for (int length = 0; length <= cut.Length; length++)
        {
            if (length == option.Length) continue;
            Assert.False(parse(cut.AsSpan(0, length), out _), "An option whose length octet is wrong was taken.");
        }

        // With a length octet that agrees, a cut option may be a shorter form, and then it is that form to the octet.
        Span<byte> room = stackalloc byte[TcpPacket.MaxOptionsLength];
        for (int length = 2; length <= cut.Length; length++)
        {
            cut[1] = (byte)length;
            if (!parse(cut.AsSpan(0, length), out T value)) continue;
            var writer = new TcpOptionWriter(room);
            Assert.True(write(value, ref writer));
            if (typeof(T) == typeof(MpPrioOption)) continue;
            Assert.Equal(length, writer.Length);
        }
    }

    private static void CheckRefusal<T>(T value, int length, OptionWrite<T> write)
    {
        Span<byte> room = stackalloc byte[TcpPacket.MaxOptionsLength];
        for (int left = 0; left < length; left++)
        {
            room.Fill(0xEE);
            var writer = new TcpOptionWriter(room);
            Assert.True(writer.TryReserve(TcpPacket.MaxOptionsLength - left, out _));
            Assert.False(write(value, ref writer));
            Assert.Equal(left, writer.Remaining);
            Assert.False(room.ContainsAnyExcept((byte)0xEE), "A refused option was begun.");
        }
    }
}
