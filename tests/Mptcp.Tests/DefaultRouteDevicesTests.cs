namespace Mptcp.Tests;

public sealed class DefaultRouteDevicesTests
{
    [Fact]
    public void Devices_with_a_default_route_come_by_metric()
    {
        string[] v4 =
        [
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
            "wwan0\t00000000\t0101A8C0\t0003\t0\t0\t700\t00000000\t0\t0\t0",
            "wlan0\t00000000\t010200C0\t0003\t0\t0\t600\t00000000\t0\t0\t0",
            "eth9\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
        ];
        string zero = new('0', 32);
        string[] v6 =
        [
            $"{zero} 00 {zero} 00 fd000000000000000000000000000001 00000001 00000002 00000000 00000003     eth0",
            $"{zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200       lo",
            $"{zero} 00 {zero} 00 {zero} 00000002 00000001 00000000 00000201     down0",
        ];
        Assert.Equal(["eth0", "wlan0", "wwan0"], DefaultRouteDevices.Find(v4, v6));
    }

    [Fact]
    public void A_kernel_without_routes_gives_none() => Assert.Empty(DefaultRouteDevices.Find([], []));
}
