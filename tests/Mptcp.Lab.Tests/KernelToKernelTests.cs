using System.Net;
using System.Net.Sockets;

namespace Mptcp.Lab.Tests;

/// <summary>The laboratory itself, with the kernel at both ends: what it measures elsewhere rests on this.</summary>
public sealed class KernelToKernelTests
{
    private const int Port = 5000;
    private const int Size = 5_000_000;

    private static readonly LabOptions _twoEqualPaths = new()
    {
        Paths = [LabPath.Of(50, 10, 125_000), LabPath.Of(50, 10, 125_000)],
    };

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task Two_paths_carry_one_stream(bool overIPv6, bool checksum)
    {
        using TwoPathLab lab = Create(_twoEqualPaths with { WithIPv6 = overIPv6, Checksum = checksum });
        await Transfer(lab, multipath: true, overIPv6);
        IReadOnlyDictionary<string, long> counters = KernelMib.Read(lab.Server);
        Assert.True(counters["MPJoinAckRx"] >= 1);
        Assert.Equal(0, counters["MPCapableFallbackACK"]);
        foreach (EmulatedPath path in lab.Emulator.Paths)
        {
            Assert.True(path.Forward.Delivered.Bytes > Size / 10, $"{path.Forward}");
            Assert.True(path.Back.Delivered.Packets > 0);
            Assert.Equal(0, path.Refused);
        }
    }

    [Fact]
    public async Task A_cut_path_does_not_stop_the_stream()
    {
        using TwoPathLab lab = Create(_twoEqualPaths);
        await Transfer(lab, multipath: true, overIPv6: false, received =>
        {
            if (received.Bytes > Size / 4)
            {
                lab.Emulator.SetBlackHole(0, true);
            }
        });
        Assert.True(lab.Emulator.Paths[0].Forward.BlackHoled.Packets > 0);
        Assert.True(lab.Emulator.Paths[1].Forward.Delivered.Bytes > Size / 4);
    }

    [Fact]
    public async Task Plain_tcp_takes_one_path()
    {
        using TwoPathLab lab = Create(_twoEqualPaths);
        await Transfer(lab, multipath: false, overIPv6: false);
        Assert.Equal(0, KernelMib.Read(lab.Server)["MPCapableSYNRX"]);
        Assert.True(lab.Emulator.Paths[0].Forward.Delivered.Bytes > Size);
        Assert.Equal(0, lab.Emulator.Paths[1].Forward.Offered.Packets);
    }

    [Fact]
    public void The_kernels_use_cubic_and_the_host_is_as_before()
    {
        const string Allowed = "/proc/sys/net/ipv4/tcp_allowed_congestion_control";
        string before = File.Exists(Allowed) ? File.ReadAllText(Allowed) : "";
        using TwoPathLab lab = Create(_twoEqualPaths);
        Assert.Equal("cubic", lab.Client.GetSysctl("ipv4/tcp_congestion_control"));
        Assert.Equal("cubic", lab.Server.GetSysctl("ipv4/tcp_congestion_control"));
        Assert.Equal(before, File.ReadAllText(Allowed));
    }

    [Fact]
    public void A_command_that_fails_says_why()
    {
        Assert.SkipWhen(TwoPathLab.Missing is not null, TwoPathLab.Missing ?? "");
        using var place = new NetworkNamespace();
        var failure = Assert.Throws<LabException>(() => place.Ip("link set nothing up"));
        Assert.Contains("nothing", failure.Message, StringComparison.Ordinal);
        Assert.Throws<LabException>(() => place.Command("no-such-command"));
        Assert.Throws<LabException>(() => place.SetSysctl("ipv4/no_such_variable", "1"));
        Assert.Equal("0", place.GetSysctl("ipv4/conf/default/rp_filter")[..1]);
    }

    [Fact]
    public async Task No_thread_of_the_pool_is_born_into_a_namespace()
    {
        string before = NamespaceOfThread();
        using TwoPathLab lab = Create(_twoEqualPaths);
        using var all = new CountdownEvent(8);
        string[] after = await Task.WhenAll(Enumerable.Range(0, all.InitialCount).Select(_ => Task.Run(() =>
        {
            // Each holds its thread until all have one.
            all.Signal();
            all.Wait();
            return NamespaceOfThread();
        })));
        Assert.All(after, name => Assert.Equal(before, name));
        Assert.NotEqual(before, lab.Client.Run(NamespaceOfThread));

        static string NamespaceOfThread() => new FileInfo("/proc/thread-self/ns/net").LinkTarget ?? "";
    }

    private static TwoPathLab Create(LabOptions options)
    {
        Assert.SkipWhen(TwoPathLab.Missing is not null, TwoPathLab.Missing ?? "");
        return new TwoPathLab(options);
    }

    private static async Task Transfer(TwoPathLab lab, bool multipath, bool overIPv6, Action<StreamMeter>? during = null)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var server = new IPEndPoint(
            (overIPv6 ? TwoPathLab.ServerAddressV6(0) : TwoPathLab.ServerAddress(0)).ToIPAddress(), Port);
        using Socket listener = KernelSocket.Listen(lab.Server, server, multipath);
        Task<Socket> accepting = listener.AcceptAsync(limit.Token).AsTask();
        using Socket client = await KernelSocket.ConnectAsync(lab.Client, null, server, multipath, limit.Token);
        using Socket accepted = await accepting;
        Assert.Equal(multipath, KernelSocket.AdditionalSubflows(accepted) is not null);

        using var payload = new Payload(Size);
        using var meter = new StreamMeter();
        Task sending = payload.SendAsync(client, limit.Token);
        var piece = new byte[65_536];
        int count;
        while ((count = await accepted.ReceiveAsync(piece, limit.Token)) > 0)
        {
            meter.Add(piece.AsSpan(0, count));
            during?.Invoke(meter);
        }

        await sending;
        Assert.Equal(payload.Sha256, meter.Sha256);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{meter.MegabitsPerSecond:F1} Mbit/s, longest gap {meter.LongestGap.TotalMilliseconds:F0} ms");
    }
}
