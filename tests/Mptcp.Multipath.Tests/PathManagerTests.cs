using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Multipath.Tests;

/// <summary>Which subflows are asked for, and what is said of addresses.</summary>
public sealed class PathManagerTests
{
    private static readonly IpEndpoint _server = new(IpAddress.Parse("192.0.2.1"), 443);
    private static readonly IpEndpoint _other = new(IpAddress.Parse("192.0.2.2"), 443);

    [Fact]
    public void One_subflow_from_each_further_address_of_the_family_and_each_once()
    {
        PathManager manager = Of("10.0.0.1", "2001:db8::1", "10.0.1.1", "10.0.2.1");
        Assert.True(manager.TryNext([], out JoinRequest first));
        Assert.True(manager.TryNext([], out JoinRequest second));
        Assert.False(manager.TryNext([], out _));
        Assert.Equal(new JoinRequest(2, _server, 0), first);
        Assert.Equal(new JoinRequest(3, _server, 0), second);
        Assert.Equal([0, 2, 3, 4], new[] { 0, 1, 2, 3 }.Select(path => (int)manager.IdOf(path)));
    }

    [Fact]
    public void An_announced_address_is_used_when_the_peer_has_more_than_we()
    {
        PathManager manager = Of("10.0.0.1");
        manager.HandleAnnounced(7, _other);
        manager.HandleAnnounced(7, _other);
        Assert.True(manager.TryNext([], out JoinRequest request));
        Assert.Equal(new JoinRequest(0, _other, 7), request);
        Assert.False(manager.TryNext([], out _));
    }

    [Fact]
    public void A_removed_address_is_forgotten()
    {
        PathManager manager = Of("10.0.0.1");
        manager.HandleAnnounced(7, _other);
        manager.HandleRemoved(7);
        Assert.False(manager.TryNext([], out _));
    }

    [Fact]
    public void An_announcement_is_repeated_until_it_is_echoed()
    {
        (AddressSignals ours, AddressSignals theirs) = Signals();
        var now = new Instant(Instant.Second);
        ours.Announce(now, 3, IpAddress.Parse("192.0.2.9"));
        AddAddressOption sent = Taken(ours);
        Assert.False(ours.HasPending);
        now = ours.NextTimeout;
        ours.HandleTimeout(now);
        Assert.Equal(sent, Taken(ours));

        Assert.True(theirs.Handle(sent));
        AddAddressOption echo = Taken(theirs);
        Assert.Equal(sent.ToEcho(), echo);
        Assert.False(ours.Handle(echo));
        ours.HandleTimeout(ours.NextTimeout);
        Assert.False(ours.HasPending);
        Assert.Equal(Instant.Never, ours.NextTimeout);
    }

    [Fact]
    public void An_announcement_that_nobody_echoes_is_given_up()
    {
        (AddressSignals ours, _) = Signals();
        ours.Announce(new Instant(1), 3, IpAddress.Parse("192.0.2.9"));
        int sent = 0;
        while (ours.HasPending)
        {
            _ = Taken(ours);
            sent++;
            ours.HandleTimeout(ours.NextTimeout);
        }

        Assert.Equal(4, sent);
        Assert.Equal(Instant.Never, ours.NextTimeout);
    }

    [Fact]
    public void An_announcement_with_a_foreign_HMAC_is_neither_used_nor_echoed()
    {
        (AddressSignals ours, AddressSignals theirs) = Signals();
        ours.Announce(new Instant(1), 3, IpAddress.Parse("192.0.2.9"));
        AddAddressOption changed = Taken(ours) with { Address = IpAddress.Parse("192.0.2.10") };
        Assert.False(theirs.Handle(changed));
        Assert.False(theirs.HasPending);
    }

    private static PathManager Of(params string[] addresses) => new(
        [.. addresses.Select(address => new LocalPath(IpAddress.Parse(address), IpAddress.Parse(address)))], 0, _server);

    private static (AddressSignals Ours, AddressSignals Theirs) Signals()
    {
        var ours = new ConnectionKeys(11);
        var theirs = new ConnectionKeys(22);
        ours.SetRemote(22);
        theirs.SetRemote(11);
        return (new AddressSignals(ours), new AddressSignals(theirs));
    }

    private static AddAddressOption Taken(AddressSignals signals)
    {
        var writer = new TcpOptionWriter(new byte[40]);
        Assert.True(signals.TryWrite(ref writer));
        Assert.True(AddAddressOption.TryParse(writer.Written, out AddAddressOption option));
        return option;
    }
}
