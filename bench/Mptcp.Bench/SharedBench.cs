using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Mptcp.Hosting;
using Mptcp.Lab;
using Mptcp.Multipath;
using Mptcp.Simulation;
using Mptcp.Wire;

namespace Mptcp.Bench;

/// <summary>
/// A connection of two subflows beside one TCP of the kernel, at one bottleneck of 20 Mbit/s for a minute: how much it gets of
/// what the TCP gets.
/// </summary>
internal static class SharedBench
{
    private const int MultipathPort = 5000;
    private const int TcpPort = 5001;
    private static readonly TimeSpan _duration = TimeSpan.FromSeconds(60);

    // Senders of one machine would keep step with each other at a queue that drops the last of each burst.
    private static readonly LabPath _path = LabPath.Of(20, 20, 100_000) with { Forward = PathOptions.Of(20, 20, 100_000) with { RandomTailBytes = 4500 } };

    private static readonly Row[] _rows =
    [
        new("the kernel's, beside CUBIC", "cubic", null),
        new("ours by default, beside CUBIC", "cubic", new TransferOptions()),
        new("ours uncoupled, beside CUBIC", "cubic", new TransferOptions { Connection = new MptcpSettings { CouplingStrength = 0 } }),
        new("ours with LIA, beside Reno", "reno", new TransferOptions { Connection = new MptcpSettings { Coupling = CoupledControllers.Lia } }),
    ];

    public static async Task<int> RunAsync(string[] args)
    {
        int runs = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 5;
        Row[] rows = [.. _rows.Where(row => args.Length < 2 || row.Name.Contains(args[1], StringComparison.OrdinalIgnoreCase))];
        if (rows.Length == 0)
        {
            Console.Error.WriteLine($"no row '{args[1]}'; there are: {string.Join("; ", _rows.Select(row => row.Name))}");
            return 2;
        }

        var ratios = rows.ToDictionary(row => row.Name, _ => new List<double>());
        for (int run = 1; run <= runs; run++)
        {
            foreach (Row row in rows)
            {
                (double multipath, double tcp) = await RunAsync(row, (ulong)run);
                ratios[row.Name].Add(multipath / tcp);
                Console.WriteLine(Line($"{row.Name}: {multipath:F2} to {tcp:F2} Mbit/s"));
            }
        }

        Console.WriteLine("| two subflows | by one TCP of the kernel: median (least to greatest) |\n| --- | ---: |");
        foreach ((string name, List<double> values) in ratios)
        {
            values.Sort();
            Console.WriteLine(Line($"| {name} | {values[values.Count / 2]:F2} ({values[0]:F2} to {values[^1]:F2}) |"));
        }

        return 0;
    }

    private static async Task<(double Multipath, double Tcp)> RunAsync(Row row, ulong seed)
    {
        using var limit = new CancellationTokenSource();
        using var lab = new SharedLab(_path, row.Kernel, seed);
        using EngineHost? engine = row.Engine is { } options ? await EngineHost.StartAsync(lab.Engine, options) : null;
        var server = SharedLab.ServerAddress.ToIPAddress();
        using Socket multipathListener = KernelSocket.Listen(lab.Server, new IPEndPoint(server, MultipathPort));
        using Socket tcpListener = KernelSocket.Listen(lab.Server, new IPEndPoint(server, TcpPort), multipath: false);
        using var meter = new StreamMeter();
        using var tcpMeter = new StreamMeter();

        Func<Payload, Task> send = await ConnectAsync(lab, engine, limit.Token);
        using Socket tcp = await KernelSocket.ConnectAsync(
            lab.Client, null, new IPEndPoint(server, TcpPort), multipath: false, limit.Token);
        using Socket accepted = await multipathListener.AcceptAsync(limit.Token);
        using Socket tcpAccepted = await tcpListener.AcceptAsync(limit.Token);
        using var payload = new Payload(long.MaxValue, seed);
        using var tcpPayload = new Payload(long.MaxValue, seed);
        Task[] all =
        [
            send(payload),
            tcpPayload.SendAsync(tcp, limit.Token),
            meter.ReceiveAsync(accepted, limit.Token),
            tcpMeter.ReceiveAsync(tcpAccepted, limit.Token),
        ];

        // None of them ends before its time, unless something is wrong.
        if (await Task.WhenAny([.. all, Task.Delay(_duration, CancellationToken.None)]) is { IsFaulted: true } failed)
        {
            await failed;
        }

        (double multipath, double plain) = (meter.MegabitsPerSecond, tcpMeter.MegabitsPerSecond);
        await limit.CancelAsync();
        await Task.WhenAll(all).ContinueWith(_ => { }, TaskScheduler.Default);
        return (multipath, plain);
    }

    /// <summary>Opens the connection of two subflows, and says how it sends.</summary>
    private static async Task<Func<Payload, Task>> ConnectAsync(SharedLab lab, EngineHost? engine, CancellationToken cancellationToken)
    {
        if (engine is null)
        {
            var server = new IPEndPoint(SharedLab.ServerAddress.ToIPAddress(), MultipathPort);
            Socket socket = await KernelSocket.ConnectAsync(lab.Client, null, server, multipath: true, cancellationToken);
            return payload => payload.SendAsync(socket, cancellationToken).ContinueWith(_ => socket.Dispose(), TaskScheduler.Default);
        }

        HostedSocket hosted = await HostedSocket.ConnectAsync(
            engine.Loop, engine.Addresses[0], new IpEndpoint(SharedLab.ServerAddress, MultipathPort), cancellationToken);
        return payload => EngineHost.SendAsync(hosted, payload, cancellationToken);
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>A row of the table.</summary>
    /// <param name="Name">What people read.</param>
    /// <param name="Kernel">The kernel's congestion control.</param>
    /// <param name="Engine">Our engine; null where the kernel has the two subflows.</param>
    private sealed record Row(string Name, string Kernel, TransferOptions? Engine);
}
