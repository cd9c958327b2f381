using System.Globalization;
using Mptcp.Lab;

namespace Mptcp.Bench.Grid;

/// <summary>What one run came to.</summary>
internal sealed record GridResult(GridCell Cell, IDriver Driver, int Run)
{
    /// <summary>Payload at the receiver from the handshake to its last byte; 0 when the run failed.</summary>
    public double MegabitsPerSecond { get; init; }

    public TimeSpan Elapsed { get; init; }

    /// <summary>What the path lost by chance.</summary>
    public long Losses { get; init; }

    /// <summary>What found the queue full.</summary>
    public long QueueDrops { get; init; }

    public SenderCounts Sender { get; init; }

    /// <summary>How late the emulator was at worst.</summary>
    public TimeSpan LongestDelay { get; init; }

    /// <summary>The share of packets that it handed over more than a millisecond late.</summary>
    public double LateShare { get; init; }

    /// <summary>Why the run says nothing; null when it does.</summary>
    public string? Failure { get; init; }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Cell.Name} {Driver.Name} run {Run + 1}: {Failure ?? string.Create(CultureInfo.InvariantCulture, $"{MegabitsPerSecond:F2} Mbit/s")}, {Elapsed.TotalSeconds:F1} s, {Losses} lost, {QueueDrops} dropped by the queue, {Sender.Retransmissions} retransmissions, {Sender.Timeouts} timeouts, emulator late by {LongestDelay.TotalMilliseconds:F1} ms at most, {LateShare:P2} of packets by more than 1 ms");
}

/// <summary>Makes one run in a laboratory of its own.</summary>
internal static class GridRun
{
    // A run at an eighth of the expected rate is not worth its wait.
    private const double Patience = 8;

    public static async Task<GridResult> RunAsync(GridCell cell, IDriver driver, int run)
    {
        var result = new GridResult(cell, driver, run);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30 + (Patience * cell.ExpectedSeconds)));
        var seed = (ulong)run + 1;
        using var lab = new TwoPathLab(new LabOptions
        {
            Paths = [cell.Path],
            Client = driver.Client,
            Server = driver.Server,
            CongestionControl = cell.KernelCongestionControl,
            Seed = seed,
        });
        using var payload = new Payload(cell.Bytes, seed);
        using var meter = new StreamMeter();
        try
        {
            SenderCounts sender = await driver.TransferAsync(lab, payload, meter, meter.Start, limit.Token);
            result = result with { Sender = sender, Failure = payload.Sha256 == meter.Sha256 ? null : "SHA-256 DIFFERS" };
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            result = result with { Failure = "not done in time" };
        }

        EmulatedPath path = lab.Emulator.Paths[0];
        long packets = path.Forward.Delivered.Packets + path.Back.Delivered.Packets;
        return result with
        {
            MegabitsPerSecond = result.Failure is null ? meter.MegabitsPerSecond : 0,
            Elapsed = meter.Elapsed,
            Losses = path.Forward.Lost.Packets,
            QueueDrops = path.Forward.QueueDrops.Packets,
            LongestDelay = path.LongestDelay,
            LateShare = (double)path.LatePackets / Math.Max(packets, 1),
        };
    }
}
