using System.Runtime.InteropServices;

namespace Mptcp.Tool;

/// <summary>Standard input and output as bytes.</summary>
internal static partial class StandardStreams
{
    private const int StandardOutput = 1;
    private const int StandardError = 2;

    public static Stream OpenInput() => Console.OpenStandardInput();

    /// <summary>
    /// The framework's own stream takes a reader that has gone for success; what we got from the peer would then vanish.
    /// </summary>
    public static Stream OpenOutput() =>
        OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : new Output(StandardOutput, forgiving: false);

    /// <summary>Makes <see cref="Console.Error"/> one that never throws: who cannot hear us shall not end the work.</summary>
    public static void ForgiveErrors()
    {
        if (!OperatingSystem.IsWindows())
            Console.SetError(new StreamWriter(new Output(StandardError, forgiving: true)) { AutoFlush = true });
    }

    private sealed partial class Output(int file, bool forgiving) : Stream
    {
        private const int Interrupted = 4;
        private const int TryAgain = 11;
        private const short Writable = 4;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            while (buffer.Length > 0)
            {
                nint written = WriteFile(file, buffer, (nuint)buffer.Length);
                if (written >= 0)
                {
                    buffer = buffer[(int)written..];
                    continue;
                }

                int error = Marshal.GetLastPInvokeError();
                if (error == TryAgain)
                {
                    // A terminal that some other program made non-blocking.
                    var entry = new PollEntry { File = file, Events = Writable };
                    _ = Poll(ref entry, 1, -1);
                }
                else if (error != Interrupted && forgiving)
                {
                    return;
                }
                else if (error != Interrupted)
                {
                    throw new IOException(Marshal.GetPInvokeErrorMessage(error));
                }
            }
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
        private static partial nint WriteFile(int file, ReadOnlySpan<byte> buffer, nuint length);

        [LibraryImport("libc", EntryPoint = "poll")]
        private static partial int Poll(ref PollEntry entries, nuint count, int milliseconds);

        [StructLayout(LayoutKind.Sequential)]
        private struct PollEntry
        {
            public int File;
            public short Events;
            public short Returned;
        }
    }
}
