namespace Mptcp.Tcp.Tests;

public class CongestionTests
{
    private const int Segment = 1460;

    [Fact]
    public void The_controller_is_what_the_configuration_says_and_can_be_exchanged_in_flight()
    {
        var cubic = new Cubic(Segment);
        Grow(cubic, 100 * Segment);
        cubic.HandleLoss(cubic.Window);
        var reno = new NewReno(Segment);
        reno.TakeOver(cubic.Window, cubic.SlowStartThreshold);
        Assert.Equal((cubic.Window, cubic.SlowStartThreshold), (reno.Window, reno.SlowStartThreshold));

        var pair = new TcpPair();
        var up = new Transfer(pair.Client, pair.ClientUser, pair.ServerUser, 2_000_000);
        pair.Client.Connect();
        Assert.True(pair.RunUntil(() => Pumped(up, pair) && pair.Client.CongestionWindow > 30 * Segment));
        long window = pair.Client.CongestionWindow;
        pair.Client.SwitchCongestionControl(CongestionControllers.NewReno);
        Assert.Equal(window, pair.Client.CongestionWindow);
        Assert.True(pair.RunUntil(() => Pumped(up, pair) && up.Complete));
        Assert.True(up.Equal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_limited_transmit_adds_to_the_window_does_not_count_in_its_reduction(bool reno)
    {
        ICongestionController controller = reno ? new NewReno(Segment) : new Cubic(Segment);
        controller.TakeOver(100 * Segment, 50 * Segment);
        controller.HandleLoss(130 * Segment);
        Assert.Equal((reno ? 50 : 70) * Segment, controller.Window);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_application_that_leaves_the_window_unused_does_not_make_it_grow(bool reno)
    {
        ICongestionController controller = reno ? new NewReno(Segment) : new Cubic(Segment);
        Grow(controller, 50 * Segment);
        long window = controller.Window;
        controller.HandleAck(new CongestionSample { Now = new Instant(1), Acked = 5 * Segment, ApplicationLimited = true });
        Assert.Equal(window, controller.Window);
    }

    [Fact]
    public void A_trickle_of_data_leaves_the_window_alone_in_a_connection()
    {
        var pair = new TcpPair();
        pair.Client.Connect();
        Assert.True(pair.RunUntil(() => pair.Client.State == TcpState.Established));
        long window = pair.Client.CongestionWindow;
        for (int i = 0; i < 50; i++)
        {
            pair.ClientUser.Write(new byte[2000]);
            pair.RunUntil(() => false, 30 * Instant.Millisecond);
            pair.ServerUser.Read(new byte[2000]);
        }

        Assert.Equal(window, pair.Client.CongestionWindow);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void After_an_idle_time_sending_begins_with_the_initial_window(bool reno)
    {
        ICongestionController controller = reno ? new NewReno(Segment) : new Cubic(Segment);
        long initial = controller.Window;
        Grow(controller, 80 * Segment);
        long before = controller.Window;
        controller.HandleIdleRestart(new Instant(5 * Instant.Second));
        Assert.Equal(initial, controller.Window);
        Assert.True(controller.SlowStartThreshold > before / 2);
    }

    [Fact]
    public void An_idle_connection_does_not_send_its_old_window_at_once()
    {
        var pair = new TcpPair();
        pair.Client.Connect();
        Assert.True(pair.RunUntil(() => pair.Client.State == TcpState.Established));
        Assert.True(Burst(pair) > 30 * Segment);
        pair.RunUntil(() => false, 5 * Instant.Second);
        pair.ClientUser.Write(new byte[200_000]);
        pair.RunUntil(() => false, Instant.Millisecond);
        Assert.InRange(pair.Client.CongestionWindow, Segment, 10 * Segment);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_spurious_loss_took_is_given_back(bool reno)
    {
        ICongestionController controller = reno ? new NewReno(Segment) : new Cubic(Segment);
        Grow(controller, 80 * Segment);
        long window = controller.Window;
        controller.HandleLoss(window);
        Assert.True(controller.Window < window);
        controller.Undo();
        Assert.Equal((window, long.MaxValue), (controller.Window, controller.SlowStartThreshold));
        controller.HandleTimeout(window);
        Assert.Equal(Segment, controller.Window);
        controller.Undo();
        Assert.Equal((window, long.MaxValue), (controller.Window, controller.SlowStartThreshold));
    }

    [Fact]
    public void A_pace_is_kept_by_the_rate_the_controller_says()
    {
        var pacer = default(Pacer);
        Instant now = new(Instant.Second);
        long sent = 0;
        while (now < new Instant(2 * Instant.Second))
        {
            if (pacer.MaySend(now))
            {
                pacer.HandleSent(now, Segment, 1_000_000, Segment);
                sent += Segment;
            }
            else
            {
                Assert.True(pacer.NextTimeout > now);
                now = pacer.NextTimeout;
                pacer.HandleTimeout(now);
            }
        }

        Assert.InRange(sent, 995_000, 1_005_000);
    }

    [Fact]
    public void Who_waited_for_the_pace_and_is_woken_late_catches_up_and_who_did_not_wait_does_not()
    {
        var late = default(Pacer);
        Instant start = new(Instant.Second);
        Assert.True(SendAll(ref late, start) > 0);
        Assert.InRange(SendAll(ref late, late.NextTimeout + (8 * Instant.Millisecond)), 8000, 8000 + (2 * Segment));

        var idle = default(Pacer);
        idle.HandleSent(start, Segment, 1_000_000, Segment);
        Assert.InRange(SendAll(ref idle, start + (9 * Instant.Millisecond)), Segment, 3 * Segment);
    }

    private static long SendAll(ref Pacer pacer, Instant now)
    {
        long sent = 0;
        for (; pacer.MaySend(now); sent += Segment)
        {
            pacer.HandleSent(now, Segment, 1_000_000, Segment);
        }

        return sent;
    }

    internal static void Grow(ICongestionController controller, long window)
    {
        while (controller.Window < window)
        {
            controller.HandleAck(new CongestionSample { Now = default, Acked = Math.Min(Segment, window - controller.Window) });
        }
    }

    private static long Burst(TcpPair pair)
    {
        long peak = 0;
        pair.ClientUser.Write(new byte[200_000]);
        pair.RunUntil(
            () =>
            {
                pair.ServerUser.Read(new byte[100_000]);
                peak = Math.Max(peak, pair.Client.CongestionWindow);
                return pair.ClientUser.Unacknowledged == 0;
            });
        return peak;
    }

    private static bool Pumped(Transfer transfer, TcpPair pair)
    {
        transfer.Pump(pair.Server);
        return true;
    }
}
