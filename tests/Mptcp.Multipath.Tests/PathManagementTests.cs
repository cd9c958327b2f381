using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Multipath.Tests;

/// <summary>Which subflows are asked for, and what is said of addresses.</summary>
public sealed class PathManagementTests
{
    private static readonly IpEndpoint _server = new(IpAddress.Parse("192.0.2.1"), 443);
    private static readonly IpEndpoint _other = new(IpAddress.Parse("192.0.2.2"), 443);
    private readonly LocalEndpoints _endpoints = new(new MptcpSettings().Limits);

    [Fact]
    public void One_subflow_from_each_further_address_of_the_family_and_each_once()
    {
        PathManagement manager = Of("10.0.0.1", "2001:db8::1", "10.0.1.1", "10.0.2.1");
        Assert.True(manager.TryNext([], out JoinRequest first));
        Assert.True(manager.TryNext([], out JoinRequest second));
        Assert.False(manager.TryNext([], out _));
        Assert.Equal((IpAddress.Parse("10.0.1.1"), _server, 0), (first.From.Address, first.Remote, first.RemoteId));
        Assert.Equal((IpAddress.Parse("10.0.2.1"), _server, 0), (second.From.Address, second.Remote, second.RemoteId));
        Assert.Equal([0, 2, 3, 4], _endpoints.All.Select(endpoint => (int)manager.IdOf(endpoint)));
    }

    [Fact]
    public void An_announced_address_is_used_when_the_peer_has_more_than_we()
    {
        PathManagement manager = Of("10.0.0.1");
        manager.HandleAnnounced(7, _other);
        manager.HandleAnnounced(7, _other);
        Assert.True(manager.TryNext([], out JoinRequest request));
        Assert.Equal((_other, 7), (request.Remote, request.RemoteId));
        Assert.False(manager.TryNext([], out _));
    }

    [Fact]
    public void A_removed_address_is_forgotten()
    {
        PathManagement manager = Of("10.0.0.1");
        manager.HandleAnnounced(7, _other);
        manager.HandleRemoved(7);
        Assert.False(manager.TryNext([], out _));
    }

    [Theory]
    [InlineData(7)]
    [InlineData(8)]
    public void An_address_that_was_removed_and_comes_back_is_joined_again(byte idAfter)
    {
        PathManagement manager = Of("10.0.0.1");
        manager.HandleAnnounced(7, _other);
        Assert.True(manager.TryNext([], out _));
        Assert.False(manager.TryNext([], out _));
        manager.HandleRemoved(7);
        manager.HandleAnnounced(idAfter, _other);
        Assert.True(manager.TryNext([], out JoinRequest again));
        Assert.Equal((_other, idAfter), (again.Remote, again.RemoteId));
        Assert.False(manager.TryNext([], out _));
    }

    [Fact]
    [Trait("Requirement", "168")]
    [Trait("Requirement", "241")]
    public void A_pair_of_addresses_that_failed_is_tried_again_only_when_it_is_announced_again()
    {
        PathManagement manager = Of("10.0.0.1");
        int attempts = 0;
        for (int i = 0; i < 20; i++)
        {
            manager.HandleAnnounced(7, _other);
            attempts += manager.TryNext([], out _) ? 1 : 0;
            Assert.False(manager.TryNext([], out _));
        }

        // Nobody may send us to an address for ever.
        Assert.Equal(9, attempts);
    }

    [Fact]
    [Trait("Requirement", "153")]
    [Trait("Requirement", "169")]
    [Trait("Requirement", "171")]
    public void An_identifier_goes_to_another_address_only_after_its_removal()
    {
        PathManagement manager = Of("10.0.0.1");
        var third = new IpEndpoint(IpAddress.Parse("192.0.2.3"), 443);
        Assert.Equal(AnnouncementOutcome.Taken, manager.HandleAnnounced(7, _other));
        Assert.Equal(AnnouncementOutcome.Contradicted, manager.HandleAnnounced(7, third));
        Assert.Equal(AnnouncementOutcome.Contradicted, manager.HandleAnnounced(0, third));
        Assert.True(manager.HandleRemoved(7));
        Assert.Equal(AnnouncementOutcome.Taken, manager.HandleAnnounced(7, third));
        Assert.True(manager.TryNext([], out JoinRequest request));
        Assert.Equal(third, request.Remote);
    }

    [Fact]
    [Trait("Requirement", "170")]
    public void The_same_address_with_another_port_is_another_place_to_go()
    {
        PathManagement manager = Of("10.0.0.1");
        manager.HandleAnnounced(7, _other);
        Assert.True(manager.TryNext([], out _));
        Assert.Equal(AnnouncementOutcome.Taken, manager.HandleAnnounced(7, _other with { Port = 444 }));
        Assert.True(manager.TryNext([], out JoinRequest request));
        Assert.Equal(444, request.Remote.Port);
    }

    [Fact]
    [Trait("Requirement", "155")]
    public void What_is_remembered_of_a_peer_is_bounded()
    {
        PathManagement manager = Of("10.0.0.1");
        for (byte id = 1; id <= 8; id++)
        {
            Assert.Equal(AnnouncementOutcome.Taken, manager.HandleAnnounced(id, At(id)));
        }

        Assert.Equal(AnnouncementOutcome.TooMany, manager.HandleAnnounced(9, At(9)));
    }

    [Fact]
    [Trait("Requirement", "180")]
    public void A_removed_first_address_gets_no_further_subflow()
    {
        PathManagement manager = Of("10.0.0.1", "10.0.1.1");
        Assert.True(manager.HandleRemoved(0));
        Assert.False(manager.TryNext([], out _));
    }

    [Fact]
    [Trait("Requirement", "65")]
    [Trait("Requirement", "174")]
    public void The_first_address_is_0_until_it_is_removed()
    {
        PathManagement manager = Of("10.0.0.1", "10.0.1.1");
        Assert.Equal(0, manager.IdOf(_endpoints.All[0]));
        Assert.True(_endpoints.TryRemoveAddress(IpAddress.Parse("10.0.0.1"), out LocalEndpoint gone));
        manager.HandleEndpointChange(new EndpointChange(EndpointChangeKind.AddressGone, gone));
        Assert.True(manager.TryTakeCommand(out PathCommand reset));
        Assert.True(manager.TryTakeCommand(out PathCommand withdraw));
        Assert.Equal((PathCommandKind.Reset, PathCommandKind.Withdraw, 0), (reset.Kind, withdraw.Kind, withdraw.Id));

        // Back again, it is another one: the peer was told that 0 is gone.
        Assert.True(_endpoints.TryAddAddress(gone.Address, gone.Announced, 0, out LocalEndpoint back));
        manager.HandleEndpointChange(new EndpointChange(EndpointChangeKind.Added, back));
        Assert.Equal(3, manager.IdOf(back));
        Assert.True(manager.TryNext([], out JoinRequest first));
        Assert.True(manager.TryNext([], out JoinRequest second));
        Assert.Equal(["10.0.1.1", "10.0.0.1"], new[] { first, second }.Select(request => request.From.Address.ToString()));
    }

    [Fact]
    [Trait("Requirement", "231")]
    public void An_unknown_identifier_is_not_removed()
    {
        PathManagement manager = Of("10.0.0.1");
        Assert.False(manager.HandleRemoved(5));
    }

    [Fact]
    [Trait("Requirement", "200")]
    [Trait("Requirement", "201")]
    [Trait("Requirement", "202")]
    public void A_path_is_tried_again_after_a_transient_reset_a_few_times()
    {
        PathManagement manager = Of("10.0.0.1", "10.0.1.1");
        var now = new Instant(Instant.Second);
        Assert.True(manager.TryNext([], out JoinRequest request));
        for (int i = 0; i < 3; i++)
        {
            manager.HandleEnd(now, Reset(request, new MpTcpRstOption(Transient: true, MpTcpRstReason.LackOfResources)));
            Assert.False(manager.TryNext([], out _));
            Assert.True(manager.NextTimeout - now >= 10 * Instant.Second);
            now = manager.NextTimeout;
            manager.HandleTimeout(now);
            Assert.True(manager.TryNext([], out JoinRequest again));
            Assert.Equal(request, again);
        }

        manager.HandleEnd(now, Reset(request, new MpTcpRstOption(Transient: true, MpTcpRstReason.LackOfResources)));
        Assert.Equal(Instant.Never, manager.NextTimeout);
    }

    [Theory]
    [InlineData("203.0.113.5", "198.51.100.1", true)]
    [InlineData("192.168.1.5", "198.51.100.1", false)]
    [InlineData("10.9.9.9", "10.1.1.1", true)]
    [InlineData("fd00::5", "2001:db8::1", false)]
    [InlineData("2001:db8::5", "2001:db8::1", true)]
    public void A_private_address_is_not_announced_to_a_peer_elsewhere(string address, string peer, bool announced)
    {
        var first = new IpEndpoint(IpAddress.Parse(peer.Contains(':', StringComparison.Ordinal) ? "2001:db8::9" : "203.0.113.9"), 443);
        Assert.True(_endpoints.TryAddAddress(first.Address, first.Address, 0, out _));
        Assert.True(_endpoints.TryAddAddress(IpAddress.Parse(address), IpAddress.Parse(address), 1, out LocalEndpoint further));
        var server = new PathManagement(
            _endpoints, new MptcpSettings(), first, new IpEndpoint(IpAddress.Parse(peer), 5000), isInitiator: false, _ => { });
        server.HandleConfirmed();
        Assert.Equal(announced, server.TryTakeCommand(out _));

        // Who flags it for announcement knows better.
        Assert.True(_endpoints.TryConfigure(further.Address, null, EndpointFlags.Signal, null, out further));
        var flagged = new PathManagement(
            _endpoints, new MptcpSettings(), first, new IpEndpoint(IpAddress.Parse(peer), 5000), isInitiator: false, _ => { });
        flagged.HandleConfirmed();
        Assert.True(flagged.TryTakeCommand(out PathCommand command));
        Assert.Equal((PathCommandKind.Announce, further.Id), (command.Kind, command.Id));
    }

    [Fact]
    public void With_endpoints_their_flags_decide()
    {
        PathManagement manager = Of("10.0.0.1", "10.0.1.1", "10.0.2.1");
        Assert.True(_endpoints.TryConfigure(IpAddress.Parse("10.0.2.1"), null, EndpointFlags.Subflow, 9, out _));
        Assert.True(manager.TryNext([], out JoinRequest request));
        Assert.Equal((9, _server), (request.From.Id, request.Remote));
        Assert.False(manager.TryNext([], out _));
    }

    [Fact]
    public void An_announced_address_gets_one_subflow_or_one_from_each_fullmesh_endpoint()
    {
        PathManagement manager = Of("10.0.0.1", "10.0.1.1");
        _endpoints.TryConfigure(IpAddress.Parse("10.0.1.1"), null, EndpointFlags.Signal, null, out LocalEndpoint endpoint);
        manager.HandleAnnounced(3, _other);
        manager.HandleAnnounced(4, At(4));
        _endpoints.Limits = _endpoints.Limits with { AcceptedAddresses = 1 };
        Assert.True(manager.TryNext([], out _));
        Assert.False(manager.TryNext([], out _));

        Assert.True(_endpoints.TryRemove(endpoint.Id, out _));
        Assert.True(_endpoints.TryConfigure(
            endpoint.Address, null, EndpointFlags.Subflow | EndpointFlags.Fullmesh, null, out _));
        _endpoints.Limits = _endpoints.Limits with { AcceptedAddresses = 2 };
        var reached = new List<IpEndpoint>();
        while (manager.TryNext([], out JoinRequest next))
        {
            Assert.Equal(endpoint.Address, next.From.Address);
            reached.Add(next.Remote);
        }

        Assert.Contains(_server, reached);
        Assert.Contains(At(4), reached);
    }

    [Fact]
    public void Endpoints_that_contradict_themselves_are_not_taken()
    {
        _ = Of("10.0.0.1", "10.0.1.1");
        IpAddress address = IpAddress.Parse("10.0.1.1");
        Assert.False(_endpoints.TryConfigure(address, 80, EndpointFlags.Subflow, null, out _));
        Assert.False(_endpoints.TryConfigure(address, null, EndpointFlags.Signal | EndpointFlags.Fullmesh, null, out _));
        Assert.False(_endpoints.TryConfigure(IpAddress.Parse("10.9.9.9"), null, EndpointFlags.Signal, null, out _));
        Assert.False(_endpoints.TryConfigure(address, null, EndpointFlags.None, null, out _));
        Assert.False(_endpoints.Configured);

        // An identifier of a bare address gives way to one that was asked for.
        Assert.True(_endpoints.TryConfigure(address, null, EndpointFlags.Signal, 1, out _));
        Assert.False(_endpoints.TryConfigure(address, null, EndpointFlags.Signal, 2, out _));
        Assert.Equal(2, _endpoints.All.Select(endpoint => endpoint.Id).Distinct().Count());
    }

    private static PathEnd Reset(JoinRequest request, MpTcpRstOption? option, Instant? joinedAt = null) =>
        new(new PathPair(request.From.Address, request.Remote, request.Lane), request.RemoteId, ConnectionEventCode.ResetByPeer, "")
        {
            Reset = option,
            JoinedAt = joinedAt,
        };

    private static IpEndpoint At(byte last) => new(IpAddress.Parse($"192.0.2.{100 + last}"), 443);

    private PathManagement Of(params string[] addresses)
    {
        foreach (string address in addresses)
        {
            Assert.True(_endpoints.TryAddAddress(IpAddress.Parse(address), IpAddress.Parse(address), 0, out _));
        }

        return new PathManagement(_endpoints, new MptcpSettings(), new IpEndpoint(IpAddress.Parse(addresses[0]), 5000), _server, isInitiator: true, _ => { });
    }
}
