using CsCheck;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Multipath.Tests;

/// <summary>What is said of addresses, how often, and what of it a peer believes.</summary>
public sealed class AddressSignalsTests
{
    private const long Timeout = 250 * Instant.Millisecond;
    private static readonly IpAddress _address = IpAddress.Parse("192.0.2.9");

    [Fact]
    [Trait("Requirement", "166")]
    public void An_announcement_is_repeated_until_it_is_echoed()
    {
        (AddressSignals ours, AddressSignals theirs) = Signals();
        var now = new Instant(Instant.Second);
        ours.Announce(3, _address, port: null);
        AddAddressOption sent = Taken(ours, now);
        Assert.False(ours.HasPending);

        // The timeout is that of the subflow.
        Assert.Equal(now + Timeout, ours.NextTimeout);
        now = ours.NextTimeout;
        ours.HandleTimeout(now);
        Assert.Equal(sent, Taken(ours, now));
        Assert.Equal(now + 2 * Timeout, ours.NextTimeout);

        Assert.True(theirs.Handle(sent));
        theirs.Confirm(sent);
        AddAddressOption echo = Taken(theirs, now);
        Assert.Equal(sent.ToEcho(), echo);
        Assert.False(ours.Handle(echo));
        Assert.False(ours.HasPending);
        Assert.Equal(Instant.Never, ours.NextTimeout);
    }

    [Fact]
    public void An_announcement_that_nobody_echoes_is_given_up()
    {
        (AddressSignals ours, _) = Signals();
        ours.Announce(3, _address, port: null);
        Assert.Equal(4, TransmissionsOf(ours));
        Assert.Equal(Instant.Never, ours.NextTimeout);
    }

    [Fact]
    public void A_removal_is_sent_three_times_and_ends_the_announcement()
    {
        (AddressSignals ours, _) = Signals();
        ours.Announce(3, _address, port: null);
        ours.Withdraw(3);
        var now = new Instant(Instant.Second);
        for (int i = 0; i < 3; i++)
        {
            var writer = new TcpOptionWriter(new byte[40]);
            Assert.True(ours.TryWrite(now, Timeout, ref writer));
            Assert.True(RemoveAddressOption.TryParse(writer.Written, out RemoveAddressOption removal));
            Assert.Equal(3, removal.Get(0));
            now = ours.NextTimeout;
            ours.HandleTimeout(now);
        }

        Assert.False(ours.HasPending);
    }

    [Fact]
    public void An_announcement_of_the_same_identifier_ends_the_removal()
    {
        (AddressSignals ours, _) = Signals();
        ours.Withdraw(3);
        ours.Announce(3, _address, port: null);
        Assert.Equal(3, Taken(ours, new Instant(1)).AddressId);
        Assert.False(ours.HasPending);
    }

    [Fact]
    [Trait("Requirement", "177")]
    public void One_option_takes_all_removals_that_fit()
    {
        (AddressSignals ours, _) = Signals();
        for (byte id = 1; id <= 40; id++)
        {
            ours.Withdraw(id);
        }

        var removed = new List<byte>();
        int options = 0;
        for (; ours.HasPending; options++)
        {
            var writer = new TcpOptionWriter(new byte[28]);
            Assert.True(ours.TryWrite(new Instant(1), Timeout, ref writer));
            Assert.True(RemoveAddressOption.TryParse(writer.Written, out RemoveAddressOption option));
            for (int i = 0; i < option.Count; i++)
            {
                removed.Add(option.Get(i));
            }
        }

        Assert.Equal(2, options);
        Assert.Equal(Enumerable.Range(1, 40), removed.Select(id => (int)id));
    }

    [Fact]
    public void What_does_not_fit_waits_and_what_fits_goes_before_it()
    {
        (AddressSignals ours, _) = Signals();
        ours.Announce(3, IpAddress.Parse("2001:db8::9"), 443);
        Assert.True(ours.NeedsWholeRoom);
        ours.Announce(4, _address, port: null);
        var beside = new TcpOptionWriter(new byte[28]);
        Assert.True(ours.TryWrite(new Instant(1), Timeout, ref beside));
        Assert.True(AddAddressOption.TryParse(beside.Written, out AddAddressOption small));
        Assert.Equal(4, small.AddressId);
        beside = new TcpOptionWriter(new byte[28]);
        Assert.False(ours.TryWrite(new Instant(1), Timeout, ref beside));
        Assert.True(ours.HasPending);
        Assert.Equal(3, Taken(ours, new Instant(1)).AddressId);
    }

    [Fact]
    [Trait("Requirement", "162")]
    public void An_announcement_with_a_foreign_HMAC_is_neither_used_nor_echoed()
    {
        (AddressSignals ours, AddressSignals theirs) = Signals();
        ours.Announce(3, _address, port: null);
        AddAddressOption changed = Taken(ours, new Instant(1)) with { Address = IpAddress.Parse("192.0.2.10") };
        Assert.False(theirs.Handle(changed));
        Assert.False(theirs.HasPending);
    }

    [Fact]
    [Trait("Requirement", "251")]
    public void Echoes_that_wait_are_bounded()
    {
        (AddressSignals ours, AddressSignals theirs) = Signals();
        ours.Announce(3, _address, port: null);
        AddAddressOption option = Taken(ours, new Instant(1));
        for (int i = 0; i < 16; i++)
        {
            Assert.True(theirs.Handle(option));
            theirs.Confirm(option);
        }

        Assert.False(theirs.Handle(option));
    }

    [Fact]
    public void Whatever_is_lost_the_peer_ends_with_what_is_announced()
    {
        // Each identifier is announced, and perhaps removed; two transmissions in a row of either arrive at last.
        Gen.Select(Gen.Bool.Array[1, 8], Gen.Int[0, int.MaxValue]).Sample((removed, losses) =>
        {
            (AddressSignals ours, AddressSignals theirs) = Signals();
            var known = new PeerAddresses();
            for (byte id = 1; id <= removed.Length; id++)
            {
                ours.Announce(id, IpAddress.Parse($"192.0.2.{id}"), port: null);
            }

            var now = new Instant(Instant.Second);
            for (int round = 0; round < 12; round++)
            {
                while (ours.HasPending)
                {
                    losses = (int)((losses * 1_103_515_245L + 12_345) & int.MaxValue);
                    bool lost = round % 2 == 0 && (losses & 0x10000) != 0;
                    Exchange(ours, theirs, known, now, lost);
                }

                now = Instant.Min(ours.NextTimeout, now + Instant.Second);
                ours.HandleTimeout(now);
                for (byte id = 1; round == 3 && id <= removed.Length; id++)
                {
                    if (removed[id - 1])
                    {
                        ours.Withdraw(id);
                    }
                }
            }

            var left = Enumerable.Range(0, known.Count).Select(i => (int)known[i].Id).Order();
            return left.SequenceEqual(Enumerable.Range(1, removed.Length).Where(id => !removed[id - 1]));
        }, iter: 300);
    }

    private static void Exchange(AddressSignals ours, AddressSignals theirs, PeerAddresses known, Instant now, bool lost)
    {
        var writer = new TcpOptionWriter(new byte[40]);
        Assert.True(ours.TryWrite(now, Timeout, ref writer));
        if (lost)
        {
            return;
        }

        if (RemoveAddressOption.TryParse(writer.Written, out RemoveAddressOption removal))
        {
            for (int i = 0; i < removal.Count; i++)
            {
                known.Remove(removal.Get(i));
            }
        }
        else if (AddAddressOption.TryParse(writer.Written, out AddAddressOption option) && theirs.Handle(option))
        {
            known.Add(option.AddressId, new IpEndpoint(option.Address, 80));
            theirs.Confirm(option);
            Assert.False(ours.Handle(Taken(theirs, now)));
        }
    }

    private static int TransmissionsOf(AddressSignals signals)
    {
        var now = new Instant(Instant.Second);
        int sent = 0;
        while (signals.HasPending)
        {
            _ = Taken(signals, now);
            sent++;
            now = signals.NextTimeout;
            signals.HandleTimeout(now);
        }

        return sent;
    }

    private static (AddressSignals Ours, AddressSignals Theirs) Signals()
    {
        var ours = new ConnectionKeys(11);
        var theirs = new ConnectionKeys(22);
        ours.SetRemote(22);
        theirs.SetRemote(11);
        return (new AddressSignals(ours, new MptcpCounters()), new AddressSignals(theirs, new MptcpCounters()));
    }

    private static AddAddressOption Taken(AddressSignals signals, Instant now)
    {
        var writer = new TcpOptionWriter(new byte[40]);
        Assert.True(signals.TryWrite(now, Timeout, ref writer));
        Assert.True(AddAddressOption.TryParse(writer.Written, out AddAddressOption option));
        return option;
    }
}
