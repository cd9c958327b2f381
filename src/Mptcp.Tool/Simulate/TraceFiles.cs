using System.Buffers;
using System.Text;
using Mptcp.Simulation;

namespace Mptcp.Tool.Simulate;

/// <summary>The files of --trace and --pcap, written as the run goes.</summary>
internal sealed class TraceFiles : IDisposable
{
    private readonly StreamWriter? _text;
    private readonly CaptureWriter? _capture;

    /// <summary>Makes the files that are asked for.</summary>
    /// <exception cref="ToolException">One cannot be made.</exception>
    public TraceFiles(string? text, string? capture)
    {
        try
        {
            _text = text is null ? null : new StreamWriter(Create(text), new UTF8Encoding(false));
            _capture = capture is null ? null : new CaptureWriter(Create(capture));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public IReadOnlyList<INetworkObserver> Observe(SimulatedNetwork network)
    {
        var observers = new List<INetworkObserver>();
        if (_text is not null)
            observers.Add(new TextTrace(_text));
        if (_capture is not null)
            observers.Add(new PcapngTrace(_capture, network.Paths));
        return observers;
    }

    public void Dispose()
    {
        _text?.Dispose();
        _capture?.Dispose();
    }

    private static FileStream Create(string path)
    {
        try
        {
            return File.Create(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new ToolException(ExitCode.SetUp, $"cannot write '{path}': {e.Message.TrimEnd('.')}");
        }
    }

    /// <summary>Hands what was written to a file, a heap at a time.</summary>
    private sealed class CaptureWriter(FileStream file) : IBufferWriter<byte>, IDisposable
    {
        private const int FlushSize = 1 << 20;
        private readonly ArrayBufferWriter<byte> _buffer = new(2 * FlushSize);

        public void Advance(int count)
        {
            _buffer.Advance(count);
            if (_buffer.WrittenCount >= FlushSize)
                Flush();
        }

        public Memory<byte> GetMemory(int sizeHint = 0) => _buffer.GetMemory(sizeHint);

        public Span<byte> GetSpan(int sizeHint = 0) => _buffer.GetSpan(sizeHint);

        public void Dispose()
        {
            Flush();
            file.Dispose();
        }

        private void Flush()
        {
            file.Write(_buffer.WrittenSpan);
            _buffer.ResetWrittenCount();
        }
    }
}
