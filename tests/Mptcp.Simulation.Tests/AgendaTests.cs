using CsCheck;
using Mptcp.Tcp;

namespace Mptcp.Simulation.Tests;

/// <summary>The heap of what comes next, against a search through all.</summary>
public sealed class AgendaTests
{
    [Fact]
    public void The_earliest_is_first_and_of_several_the_one_of_the_lowest_number()
    {
        const int count = 12;
        Gen.Select(Gen.Int[0, count - 1], Gen.Long[0, 20]).Array[1, 200].Sample(steps =>
        {
            var agenda = new Agenda();
            var times = new long[count];
            Array.Fill(times, Instant.Never.Nanoseconds);
            for (int i = 0; i < count; i++)
            {
                agenda.Add();
            }

            foreach ((int number, long time) in steps)
            {
                // 20 takes it out.
                times[number] = time == 20 ? Instant.Never.Nanoseconds : time;
                agenda.Set(number, new Instant(times[number]));
                Assert.Equal((times.Min(), Array.IndexOf(times, times.Min())), (agenda.Next.Nanoseconds, agenda.First));
            }
        });
    }
}
