using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>RFC 6528 as a peer sees it: a clock of four microseconds for each pair of endpoints, and nothing to guess.</summary>
public class InitialSequenceNumberTests
{
    private static readonly IpAddress _here = IpAddress.Parse("10.0.0.1");

    [Fact]
    public void They_follow_a_clock_of_four_microseconds()
    {
        NetworkStack stack = Listening(secret: 1);
        uint first = Open(stack, new Instant(Instant.Second), port: 4000);
        uint second = Open(stack, new Instant(3 * Instant.Second), port: 4000);
        Assert.Equal(500_000u, unchecked(second - first));
    }

    [Fact]
    public void They_differ_by_endpoint_and_by_secret()
    {
        var now = new Instant(Instant.Second);
        uint one = Open(Listening(secret: 1), now, port: 4000);
        Assert.Equal(one, Open(Listening(secret: 1), now, port: 4000));
        Assert.NotInRange(unchecked(Open(Listening(secret: 1), now, port: 4001) - one), 0u, 1_000_000u);
        Assert.NotInRange(unchecked(Open(Listening(secret: 2), now, port: 4000) - one), 0u, 1_000_000u);
    }

    private static NetworkStack Listening(byte secret)
    {
        var stack = new NetworkStack(new StackOptions(), new FixedEntropy(secret));
        stack.AddAddress(new LocalAddress(0, _here, 1500));
        Assert.NotNull(stack.TryListen(80));
        return stack;
    }

    /// <summary>Opens from outside, reads the number off the SYN/ACK, and resets.</summary>
    private static uint Open(NetworkStack stack, Instant now, ushort port)
    {
        Send(stack, now, port, TcpFlags.Syn, 100);
        var buffer = new byte[2000];
        Assert.True(stack.TryTransmit(now, buffer, out _, out int length));
        Assert.True(IpPacket.TryParse(buffer.AsSpan(0, length), out IpPacket ip, out _));
        Assert.True(TcpSegment.TryParse(ip, out TcpSegment answer, out _));
        Assert.True(answer.Syn && answer.Ack);
        uint number = answer.SequenceNumber;
        Send(stack, now, port, TcpFlags.Rst, 101);
        Assert.False(stack.TryTransmit(now, buffer, out _, out _));
        return number;
    }

    private static void Send(NetworkStack stack, Instant now, ushort port, TcpFlags flags, uint sequence)
    {
        var packet = new byte[40];
        TcpPacket.Write(
            packet,
            new TcpHeaderFields
            {
                Source = new IpEndpoint(IpAddress.Parse("10.0.0.2"), port),
                Destination = new IpEndpoint(_here, 80),
                Flags = flags,
                SequenceNumber = sequence,
                Window = 65535,
            },
            [],
            0);
        stack.HandlePacket(now, 0, packet);
    }

    private sealed class FixedEntropy(byte value) : IEntropySource
    {
        public void Fill(Span<byte> destination) => destination.Fill(value);
    }
}
