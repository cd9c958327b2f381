using Mptcp.Tcp;

namespace Mptcp.Fuzz;

/// <summary>
/// Two hosts that talk while the input, read as a program, says what the network and the applications do: deliver, lose,
/// repeat or change a packet, put other options into one, let time pass, write, read, close, abort. Whatever it is, both
/// ends come to rest in bounded time, and give back what they took.
/// </summary>
internal static class StackTarget
{
    private const int StepsAfterwards = 4000;

    public static void Run(ReadOnlySpan<byte> input)
    {
        var hosts = new FuzzedHosts();
        var program = new ProgramReader(input);
        while (program.TryRead(out byte operation))
        {
            bool toServer = (operation & 8) == 0;
            switch (operation & 7)
            {
                case 0 or 1:
                    hosts.Deliver(toServer);
                    break;
                case 2:
                    hosts.Change(toServer, program.Read(), program.Read(), program.Read());
                    break;
                case 3:
                    hosts.Lose(toServer);
                    break;
                case 4:
                    hosts.Repeat(toServer);
                    break;
                case 5:
                    hosts.ReplaceOptions(toServer, program.Take(program.Read() % 41));
                    break;
                case 6:
                    hosts.Pass((operation & 16) == 0 ? program.Read() * 4 * Instant.Millisecond : hosts.UntilNext);
                    break;
                default:
                    hosts.Act(program.Read());
                    break;
            }
        }

        Rest(hosts);
    }

    private static void Rest(FuzzedHosts hosts)
    {
        for (int step = 0; step < StepsAfterwards && hosts.Live; step++)
        {
            // First an ordinary end, then the applications lose patience.
            if (step is 0 or 1000)
            {
                hosts.End(abort: step > 0);
            }

            if (!hosts.Deliver(step % 2 == 0) && !hosts.Deliver(step % 2 != 0))
            {
                hosts.Pass(hosts.UntilNext);
            }
        }

        hosts.AssertAtRest();
    }

    /// <summary>The input from the first byte to the last; after that zeros.</summary>
    private ref struct ProgramReader(ReadOnlySpan<byte> input)
    {
        private ReadOnlySpan<byte> _rest = input;

        public bool TryRead(out byte value)
        {
            value = _rest.IsEmpty ? (byte)0 : _rest[0];
            bool any = !_rest.IsEmpty;
            _rest = any ? _rest[1..] : _rest;
            return any;
        }

        public byte Read()
        {
            TryRead(out byte value);
            return value;
        }

        public ReadOnlySpan<byte> Take(int count)
        {
            ReadOnlySpan<byte> taken = _rest[..Math.Min(count, _rest.Length)];
            _rest = _rest[taken.Length..];
            return taken;
        }
    }
}
