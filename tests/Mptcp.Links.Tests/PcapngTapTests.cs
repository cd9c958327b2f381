using System.Diagnostics;
using Mptcp.Hosting;
using Xunit;

namespace Mptcp.Links.Tests;

/// <summary>A tap changes nothing on the link, and what it writes is what tshark reads.</summary>
public sealed class PcapngTapTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mptcp-tap-").FullName;

    private string CapturePath => Path.Combine(_folder, "capture.pcapng");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Tshark_reads_both_directions_of_both_links()
    {
        Tshark.Require();
        var (wifi, cellular) = (new MemoryLink(), new MemoryLink());
        using (PcapngFile file = PcapngFile.Create(CapturePath))
        {
            var (first, second) = (new TappedLink(wifi, file, "wlan0"), new TappedLink(cellular, file, "usb 0 (LTE)"));
            wifi.ToRead.Enqueue(PcapngTapPackets.Segment(v4: true, number: 1, []));
            Assert.True(first.TryRead(new byte[2000]) > 0);
            Assert.True(second.TryWrite(PcapngTapPackets.Segment(v4: false, number: 2, [])) > 0);
            Assert.True(first.TryWrite(PcapngTapPackets.Segment(v4: true, number: 3, [])) > 0);
        }

        Tshark.AssertClean(CapturePath);
        Assert.Equal(
            ["wlan0|0x1|1", "usb 0 (LTE)|0x2|2", "wlan0|0x2|3"],
            Tshark.Fields(CapturePath, "frame.interface_name", "frame.packet_flags_direction", "tcp.seq_raw"));
    }

    /// <summary>Each form of each option, as the dissector of others understands it.</summary>
    [Fact]
    public void Tshark_understands_every_MPTCP_option()
    {
        Tshark.Require();
        var link = new MemoryLink();
        using (PcapngFile file = PcapngFile.Create(CapturePath))
        {
            var tapped = new TappedLink(link, file, "tun0");
            foreach ((_, byte[] options) in PcapngTapPackets.MptcpOptions())
                Assert.True(tapped.TryWrite(PcapngTapPackets.Segment(v4: true, number: 1, options)) > 0);
        }

        Tshark.AssertClean(CapturePath);
        Assert.Equal(
            PcapngTapPackets.MptcpOptions().Select(o => $"{(int)o.Subtype}"),
            Tshark.Fields(CapturePath, "tcp.options.mptcp.subtype"));
    }

    [Fact]
    public void A_tap_changes_nothing_and_records_only_what_passed()
    {
        var link = new MemoryLink { Refuses = true };
        byte[] packet = PcapngTapPackets.Segment(v4: true, number: 1, []);
        using PcapngFile file = PcapngFile.Create(CapturePath);
        var tapped = new TappedLink(link, file, "tun0");
        long empty = new FileInfo(CapturePath).Length;
        Assert.Equal(0, tapped.TryRead(new byte[2000]));
        Assert.Equal(-1, tapped.TryWrite(packet));
        Assert.Empty(link.Written);

        link.Refuses = false;
        Assert.Equal(packet.Length, tapped.TryWrite(packet));
        Assert.Equal(packet, Assert.Single(link.Written));
        link.ToRead.Enqueue(packet);
        var buffer = new byte[2000];
        Assert.Equal(packet.Length, tapped.TryRead(buffer));
        Assert.Equal(packet, buffer[..packet.Length]);

        file.Dispose();
        int block = 32 + ((packet.Length + 3) & ~3) + 8 + 4;
        Assert.Equal(empty + (2 * block), new FileInfo(CapturePath).Length);
        Assert.Equal(packet.Length, tapped.TryWrite(packet));
        Assert.Equal(empty + (2 * block), new FileInfo(CapturePath).Length);
        Assert.Null(file.Failure);
    }

    /// <summary>What a killed process leaves: the file as it is, never closed.</summary>
    [Fact]
    public void A_file_that_was_never_closed_lacks_no_more_than_a_second()
    {
        Tshark.Require();
        var clock = new ManualTime();
        var tapped = new TappedLink(new MemoryLink(), PcapngFile.Create(CapturePath, clock), "tun0");
        byte[] packet = PcapngTapPackets.Segment(v4: true, number: 1, []);
        Assert.Empty(Tshark.Fields(CapturePath, "frame.number"));
        tapped.TryWrite(packet);
        clock.Advance(TimeSpan.FromSeconds(0.9));
        tapped.TryWrite(packet);
        Assert.Empty(Tshark.Fields(CapturePath, "frame.number"));
        clock.Advance(TimeSpan.FromSeconds(0.1));
        tapped.TryWrite(packet);
        Assert.Equal(3, Tshark.Fields(CapturePath, "frame.number").Length);

        // Without traffic the empty reads of the loop write out the rest.
        tapped.TryWrite(packet);
        clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, tapped.TryRead(new byte[2000]));
        Assert.Equal(
            ["1700000000.000000000", "1700000000.900000000", "1700000001.000000000", "1700000001.000000000"],
            Tshark.Fields(CapturePath, "frame.time_epoch"));
        Tshark.AssertClean(CapturePath);
    }

    [Fact]
    public void A_burst_is_written_out_in_whole_blocks()
    {
        Tshark.Require();
        var clock = new ManualTime();
        var tapped = new TappedLink(new MemoryLink(), PcapngFile.Create(CapturePath, clock), "tun0");
        byte[] packet = PcapngTapPackets.Segment(v4: true, number: 1, [], payload: 1400);
        for (int i = 0; i < 100; i++) tapped.TryWrite(packet);
        Assert.InRange(Tshark.Fields(CapturePath, "frame.number").Length, 80, 100);
        Tshark.AssertClean(CapturePath);
    }

    [Theory]
    [InlineData("missing/capture.pcapng", "its folder does not exist")]
    [InlineData("", "it is a folder")]
    [InlineData("a\0b", "that is not the name of a file")]
    public void A_file_that_cannot_be_made_is_told_in_one_line(string name, string reason)
    {
        string path = Path.Combine(_folder, name);
        var refused = Assert.Throws<LinkException>(() => PcapngFile.Create(path));
        Assert.Equal($"cannot write capture '{path}': {reason}", refused.Message);
    }

    [Fact]
    public void A_full_disk_is_told_in_one_line()
    {
        if (!File.Exists("/dev/full")) Assert.Skip("needs /dev/full");
        var refused = Assert.Throws<LinkException>(() => PcapngFile.Create("/dev/full"));
        Assert.StartsWith("cannot write capture '/dev/full': No space left on device", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    /// <summary>A pipe whose reader went away stands for a disk that fills up.</summary>
    [Fact]
    public async Task A_capture_that_fails_later_ends_without_the_traffic()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("needs Linux");
        using (Process make = Process.Start("mkfifo", [CapturePath])) await make.WaitForExitAsync();
        Task<FileStream> opening = Task.Run(() => new FileStream(CapturePath, FileMode.Open, FileAccess.Read));
        var clock = new ManualTime();
        using PcapngFile file = PcapngFile.Create(CapturePath, clock);
        await (await opening).DisposeAsync();
        clock.Advance(TimeSpan.FromSeconds(1));
        var link = new MemoryLink();
        var tapped = new TappedLink(link, file, "tun0");
        byte[] packet = PcapngTapPackets.Segment(v4: true, number: 1, []);
        Assert.Equal(packet.Length, tapped.TryWrite(packet));
        Assert.Single(link.Written);
        Assert.Contains("Broken pipe", file.Failure?.Message, StringComparison.Ordinal);
    }

    private sealed class MemoryLink : ILink
    {
        public Queue<byte[]> ToRead { get; } = [];

        public List<byte[]> Written { get; } = [];

        public bool Refuses { get; set; }

        public int TryRead(Span<byte> buffer)
        {
            if (!ToRead.TryDequeue(out byte[]? packet)) return 0;
            packet.CopyTo(buffer);
            return packet.Length;
        }

        public int TryWrite(ReadOnlySpan<byte> packet)
        {
            if (Refuses) return -1;
            Written.Add(packet.ToArray());
            return packet.Length;
        }
    }

    private sealed class ManualTime : TimeProvider
    {
        private TimeSpan _elapsed;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public void Advance(TimeSpan time) => _elapsed += time;

        public override long GetTimestamp() => _elapsed.Ticks;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(1_700_000_000) + _elapsed;
    }
}
