using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Stack;
using Mptcp.Tcp;
using Mptcp.Wire;

namespace Mptcp.Fuzz;

/// <summary>Any bytes as packets for a host that listens; each is taken, answered or counted, and nothing stays behind.</summary>
internal static class PacketTarget
{
    private const int Bound = 64;

    public static void Run(ReadOnlySpan<byte> input)
    {
        var stack = new NetworkStack(new StackOptions { Connection = new MptcpSettings { ReceiveBuffer = 16_384 } }, new SeededEntropy(1));
        stack.AddAddress(new LocalAddress(0, IpAddress.Parse("10.0.0.2"), 1500));
        stack.AddAddress(new LocalAddress(1, IpAddress.Parse("fd00::2"), 1500));
        _ = stack.TryListen(80);
        var now = new Instant(Instant.Second);
        byte[] answer = new byte[2048];
        for (int at = 0; at + 2 <= input.Length;)
        {
            // A length, and as many bytes as there are.
            int length = Math.Min(((input[at] << 8) | input[at + 1]) % 1500, input.Length - at - 2);
            stack.HandlePacket(now, 0, input.Slice(at + 2, length));
            at += 2 + length;
            for (int i = 0; stack.TryTransmit(now, answer, out _, out _); i++)
            {
                if (i > Bound)
                {
                    throw new InvalidOperationException("a host that does not stop answering");
                }
            }
        }
    }
}
