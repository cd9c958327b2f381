using CsCheck;
using Xunit;

namespace Mptcp.Wire.Tests;

/// <summary>The budget of 40 octets: never exceeded, and never spent on half an option.</summary>
public class TcpOptionWriterTests
{
    private const byte Untouched = 0xEE;
    private const int Operations = 17;

    [Fact]
    public void Any_sequence_of_writes_keeps_the_budget() =>
        Gen.Select(Gen.Int[0, 60], Gen.Int[0, Operations - 1].Array[0, 12]).Sample(CheckSequence, iter: 20_000);

    [Fact]
    public void Padding_ends_the_list_at_a_word()
    {
        Span<byte> room = stackalloc byte[40];
        for (int used = 0; used <= 40; used++)
        {
            var writer = new TcpOptionWriter(room);
            Assert.True(writer.TryReserve(used, out _));
            Assert.Equal((used + 3) / 4 * 4, writer.PadToWord());
            Assert.False(writer.Written[used..].ContainsAnyExcept(TcpOptionKind.NoOperation));
        }
    }

    [Fact]
    public void A_negative_length_is_a_programming_error() => Assert.Throws<ArgumentOutOfRangeException>(() =>
    {
        var writer = new TcpOptionWriter(new byte[40]);
        writer.TryReserve(-1, out _);
    });

    private static void CheckSequence(int capacity, int[] operations)
    {
        Span<byte> memory = stackalloc byte[64];
        memory.Fill(Untouched);
        Span<byte> shadow = stackalloc byte[64];
        var writer = new TcpOptionWriter(memory[..capacity]);
        int budget = Math.Min(capacity, 40) / 4 * 4;
        Assert.Equal(budget, writer.Remaining);
        int written = 0;
        foreach (int operation in operations)
        {
            int before = writer.Length;
            memory.CopyTo(shadow);
            bool done = Apply(operation, ref writer);
            Assert.Equal(done, writer.Length > before);
            Assert.Equal(budget, writer.Length + writer.Remaining);
            Assert.True(memory[..before].SequenceEqual(shadow[..before]), "What was written before changed.");
            Assert.False(memory[writer.Length..].ContainsAnyExcept(Untouched), "The writer went beyond its length.");
            if (done) written++;
        }

        Assert.Equal(0, writer.PadToWord() % 4);
        Assert.InRange(writer.Length, 0, budget);
        var reader = new TcpOptionReader(writer.Written);
        int read = 0;
        while (reader.TryRead(out _, out _)) read++;
        Assert.False(reader.Malformed);
        Assert.Equal(written, read);
    }

    private static bool Apply(int operation, ref TcpOptionWriter writer) => operation switch
    {
        0 => writer.TryWriteMss(1460),
        1 => writer.TryWriteWindowScale(7),
        2 => writer.TryWriteSackPermitted(),
        3 => writer.TryWriteTimestamps(0x01020304, 0x05060708),
        4 => writer.WriteSack([new SackBlock(1, 2)]) > 0,
        5 => writer.WriteSack([new SackBlock(1, 2), new SackBlock(3, 4), new SackBlock(5, 6)]) > 0,
        6 => new MpCapableOption { Version = 1 }.TryWrite(ref writer),
        7 => new MpCapableOption { Version = 1, SenderKey = 1, ReceiverKey = 2 }.TryWrite(ref writer),
        8 => new MpJoinSynOption(true, 1, 2, 3).TryWrite(ref writer),
        9 => new MpJoinSynAckOption(true, 1, 2, 3).TryWrite(ref writer),
        10 => new DssOption { HasDataAck = true, DataAck = 7 }.TryWrite(ref writer),
        11 => WireGen.ToDss(31, 1, 2, 3, 4, 5).TryWrite(ref writer),
        12 => new AddAddressOption { Address = IpAddress.AnyV6, Port = 80 }.TryWrite(ref writer),
        13 => new RemoveAddressOption([1, 2, 3]).TryWrite(ref writer),
        14 => new MpPrioOption(true).TryWrite(ref writer),
        15 => new MpFastCloseOption(9).TryWrite(ref writer),
        _ => new MpTcpRstOption(true, MpTcpRstReason.LackOfResources).TryWrite(ref writer),
    };
}
