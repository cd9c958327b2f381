using CsCheck;
using Mptcp.Simulation;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>The cookies of Fast Open (RFC 7413 §4.1.2), and what a client keeps of them.</summary>
public sealed class FastOpenCookieTests
{
    private const long Hour = 3600 * Instant.Second;
    private static readonly IpAddress _peer = IpAddress.Parse("10.0.0.7");
    private static readonly IpEndpoint _server = new(IpAddress.Parse("10.0.0.1"), 80);
    private static readonly TcpFastOpen _asked = new() { Cookie = default(FastOpenCookie) };

    [Fact]
    public void A_cookie_is_good_for_its_address_alone()
    {
        var cookies = new FastOpenCookies(new SeededEntropy(1));
        FastOpenCookie cookie = cookies.Make(default, _peer);
        Assert.Equal(8, cookie.Length);
        Assert.True(cookies.IsValid(default, _peer, cookie));
        Assert.True(cookies.IsValid(default, _peer, cookie.Truncate(6)));
        Assert.False(cookies.IsValid(default, _peer, cookie.Truncate(4)));
        Assert.False(cookies.IsValid(default, _peer, default));
        Assert.False(cookies.IsValid(default, IpAddress.Parse("10.0.0.8"), cookie));
        Assert.False(cookies.IsValid(default, IpAddress.Parse("fd00::7"), cookie));
    }

    [Fact]
    public void A_guess_is_not_valid() => Gen.Byte.Array[8].Sample(octets =>
    {
        var cookies = new FastOpenCookies(new SeededEntropy(1));
        Assert.True(FastOpenCookie.TryCreate(octets, out FastOpenCookie guess));
        Assert.False(cookies.IsValid(default, _peer, guess));
    });

    [Fact]
    public void Another_host_makes_others() => Assert.NotEqual(
        new FastOpenCookies(new SeededEntropy(1)).Make(default, _peer),
        new FastOpenCookies(new SeededEntropy(2)).Make(default, _peer));

    [Fact]
    public void A_cookie_lives_one_day_to_two()
    {
        var cookies = new FastOpenCookies(new SeededEntropy(1));
        FastOpenCookie cookie = cookies.Make(default, _peer);
        Assert.Equal(cookie, cookies.Make(new Instant(23 * Hour), _peer));
        Assert.True(cookies.IsValid(new Instant(25 * Hour), _peer, cookie));
        Assert.NotEqual(cookie, cookies.Make(new Instant(25 * Hour), _peer));
        Assert.False(cookies.IsValid(new Instant(50 * Hour), _peer, cookie));
    }

    [Fact]
    public void A_client_keeps_cookies_by_pair_of_addresses_for_every_port()
    {
        var cache = new FastOpenCache();
        FastOpenCookie cookie = CookieOf(1);
        cache.Learn(default, _peer, _server, _asked, new FastOpenOutcome(cookie, 1400, 0, 0, false), TcpCloseReason.None);
        Assert.Equal(new TcpFastOpen { Cookie = cookie, PeerSegmentSize = 1400 }, cache.Find(default, _peer, _server with { Port = 81 }));
        Assert.True(cache.Find(default, IpAddress.Parse("10.0.0.9"), _server)!.Cookie!.Value.IsEmpty);
    }

    [Fact]
    public void Each_further_failure_doubles_the_pause()
    {
        var cache = new FastOpenCache();
        Instant now = default;
        for (long pause = 60; pause <= 480; pause *= 2)
        {
            cache.Learn(now, _peer, _server, _asked, new FastOpenOutcome(null, 0, 0, 0, true), TcpCloseReason.None);
            Assert.Null(cache.Find(now + (pause * Instant.Second - 1), _peer, _server));
            Assert.NotNull(cache.Find(now, _peer, _server with { Port = 81 }));
            now += pause * Instant.Second;
            Assert.NotNull(cache.Find(now, _peer, _server));
        }
    }

    [Fact]
    public void A_client_forgets_the_oldest_of_very_many_peers()
    {
        var cache = new FastOpenCache();
        for (int i = 0; i < 2000; i++)
        {
            var server = new IpEndpoint(IpAddress.Parse($"10.1.{i / 200}.{i % 200}"), 80);
            var now = new Instant(i);
            cache.Learn(now, _peer, server, _asked, new FastOpenOutcome(CookieOf(i), 1400, 0, 0, false), TcpCloseReason.None);
            cache.Learn(now, _peer, server, new TcpFastOpen { Cookie = CookieOf(i) }, new FastOpenOutcome(null, 0, 9, 0, true), TcpCloseReason.None);
        }

        int known = 0;
        for (int i = 0; i < 2000; i++)
        {
            var server = new IpEndpoint(IpAddress.Parse($"10.1.{i / 200}.{i % 200}"), 81);
            known += cache.Find(new Instant(3000), _peer, server)!.Cookie!.Value.IsEmpty ? 0 : 1;
        }

        Assert.Equal(1024, known);
    }

    private static FastOpenCookie CookieOf(int number)
    {
        Assert.True(FastOpenCookie.TryCreate(BitConverter.GetBytes((long)number), out FastOpenCookie cookie));
        return cookie;
    }
}
