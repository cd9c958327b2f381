using System.Buffers;
using Mptcp.Hosting;
using Mptcp.Wire;

namespace Mptcp.Links;

/// <summary>
/// A capture file in the pcapng format, with one interface per tapped link, for Wireshark and its kin. The file can be read
/// at any time, also after the process was killed: whole blocks go to it within about a second.
/// </summary>
/// <remarks>
/// Every member may be called from any thread. Timestamps begin at the clock of the wall and go on with one that never
/// steps back. A disk that fills up ends the capture, not the traffic: see <see cref="Failure"/>.
/// </remarks>
public sealed class PcapngFile : IDisposable
{
    private const int FlushSize = 1 << 16;
    private const int BufferSize = 1 << 18;
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly Lock _gate = new();
    private readonly ArrayBufferWriter<byte> _buffer = new(BufferSize);
    private readonly string _path;
    private readonly FileStream _file;
    private readonly TimeProvider _time;
    private readonly long _startTimestamp;
    private readonly long _startNanoseconds;
    private long _lastFlush;
    private int _interfaces;
    private bool _ended;
    private LinkException? _failure;

    private PcapngFile(string path, FileStream file, TimeProvider time)
    {
        (_path, _file, _time) = (path, file, time);
        _startTimestamp = time.GetTimestamp();
        _startNanoseconds = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick;
    }

    /// <summary>Why the capture ended early, in one line; null while all is well.</summary>
    public LinkException? Failure
    {
        get
        {
            lock (_gate) return _failure;
        }
    }

    /// <summary>Makes the file, or empties the one that is there.</summary>
    /// <param name="path">Where to write; a named pipe will do.</param>
    /// <param name="time">The clock of the packets; null for the system's.</param>
    /// <exception cref="LinkException">The file cannot be made, or takes nothing.</exception>
    public static PcapngFile Create(string path, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        FileStream? file = null;
        try
        {
            // Unbuffered: this class has its own buffer, and decides where a write may end.
            file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            var capture = new PcapngFile(path, file, time ?? TimeProvider.System);
            PcapngFormat.WriteSectionHeader(capture._buffer);
            capture.WriteOut(0);
            return capture;
        }
        catch (Exception e) when (IsRefusal(e))
        {
            file?.Dispose();
            throw Refused(path, e);
        }
    }

    /// <summary>Describes one more interface.</summary>
    /// <param name="name">What a reader shows, such as the device's name.</param>
    /// <returns>Its number, for <see cref="Record"/>.</returns>
    public int AddInterface(string name)
    {
        lock (_gate)
        {
            if (!_ended)
            {
                PcapngFormat.WriteInterface(_buffer, name, snapLength: 0);
                Flush(Elapsed());
            }

            return _interfaces++;
        }
    }

    /// <summary>Adds a packet, with the time of now. Does nothing once the capture has ended.</summary>
    /// <param name="interfaceId">What <see cref="AddInterface"/> returned.</param>
    /// <param name="packet">The packet from its IP header on.</param>
    /// <param name="direction">Which way it went.</param>
    public void Record(int interfaceId, ReadOnlySpan<byte> packet, PcapngDirection direction)
    {
        lock (_gate)
        {
            if (_ended) return;
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)interfaceId, (uint)_interfaces, nameof(interfaceId));
            long elapsed = Elapsed();
            PcapngFormat.WritePacket(_buffer, interfaceId, _startNanoseconds + elapsed, packet, direction);
            if (_buffer.WrittenCount >= FlushSize || elapsed - _lastFlush >= NanosecondsPerSecond) Flush(elapsed);
        }
    }

    /// <summary>Writes out what has waited for a second; a link without traffic calls it now and then.</summary>
    public void FlushIfDue()
    {
        lock (_gate)
        {
            if (_ended || _buffer.WrittenCount == 0) return;
            long elapsed = Elapsed();
            if (elapsed - _lastFlush >= NanosecondsPerSecond) Flush(elapsed);
        }
    }

    /// <summary>Writes out the rest and closes the file. Links that are still tapped go on without it.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (!_ended && _buffer.WrittenCount > 0) Flush(Elapsed());
            _ended = true;
            _file.Dispose();
        }
    }

    private static bool IsRefusal(Exception e) =>
        e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;

    private static LinkException Refused(string path, Exception e)
    {
        string reason = e switch
        {
            DirectoryNotFoundException => "its folder does not exist",
            UnauthorizedAccessException when Directory.Exists(path) => "it is a folder",
            UnauthorizedAccessException => "no right to write there",
            ArgumentException => "that is not the name of a file",
            _ => e.Message.TrimEnd('.'),
        };
        return new LinkException($"cannot write capture '{path}': {reason}", e);
    }

    private long Elapsed() =>
        (long)((Int128)(_time.GetTimestamp() - _startTimestamp) * NanosecondsPerSecond / _time.TimestampFrequency);

    // Only whole blocks are in the buffer, so that the file ends with a whole block whenever the process ends.
    private void Flush(long elapsed)
    {
        try
        {
            WriteOut(elapsed);
        }
        catch (IOException e)
        {
            _failure = Refused(_path, e);
            _ended = true;
        }
    }

    private void WriteOut(long elapsed)
    {
        _file.Write(_buffer.WrittenSpan);
        _buffer.ResetWrittenCount();
        _lastFlush = elapsed;
    }
}

/// <summary>
/// A link that records what passes it: what it read, and what the link below took. It owns neither that link nor the file.
/// A waiter waits for the link below, such as the <see cref="TunDevice"/>; this one holds nothing back.
/// </summary>
public sealed class TappedLink : ILink
{
    private readonly ILink _inner;
    private readonly PcapngFile _file;
    private readonly int _interface;

    /// <summary>Taps a link.</summary>
    /// <param name="inner">The link.</param>
    /// <param name="file">Where to record; may be shared by many links, and may end before they do.</param>
    /// <param name="name">The name of the link in the file, such as that of its device.</param>
    public TappedLink(ILink inner, PcapngFile file, string name)
    {
        ArgumentNullException.ThrowIfNull(inner);
        ArgumentNullException.ThrowIfNull(file);
        (_inner, _file, _interface) = (inner, file, file.AddInterface(name));
    }

    /// <inheritdoc/>
    public int TryRead(Span<byte> buffer)
    {
        int length = _inner.TryRead(buffer);
        if (length > 0) _file.Record(_interface, buffer[..length], PcapngDirection.Inbound);
        else _file.FlushIfDue();
        return length;
    }

    /// <inheritdoc/>
    public int TryWrite(ReadOnlySpan<byte> packet)
    {
        int length = _inner.TryWrite(packet);
        if (length > 0) _file.Record(_interface, packet, PcapngDirection.Outbound);
        return length;
    }
}
