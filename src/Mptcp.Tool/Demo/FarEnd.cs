using System.Net;
using System.Net.Sockets;
using Mptcp.Lab;

namespace Mptcp.Tool.Demo;

/// <summary>Who receives the file.</summary>
internal abstract class FarEnd : IAsyncDisposable
{
    protected const int Port = 4433;

    /// <summary>In words, for the viewer.</summary>
    public abstract string Name { get; }

    /// <summary>Where it listens.</summary>
    public IPEndPoint EndPoint { get; } = new(TwoPathLab.ServerAddress(0).ToIPAddress(), Port);

    public static async Task<FarEnd> OpenAsync(TwoPathLab lab) =>
        lab.ServerEngine is { } engine ? await EngineFarEnd.OpenAsync(engine) : new KernelFarEnd(lab);

    /// <summary>Takes one connection and hands out what it brings, to its end; then ends its own direction.</summary>
    public abstract Task ReceiveAsync(Action<ReadOnlyMemory<byte>> take, CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();
}

/// <summary>The kernel's Multipath TCP, in a network namespace.</summary>
internal sealed class KernelFarEnd : FarEnd
{
    private const int PieceSize = 262_144;
    private readonly Socket _listener;

    public KernelFarEnd(TwoPathLab lab) => _listener = KernelSocket.Listen(lab.Server, EndPoint);

    public override string Name => $"the Linux kernel's Multipath TCP ({Environment.OSVersion.Version.ToString(2)}), in a network namespace";

    public override async Task ReceiveAsync(Action<ReadOnlyMemory<byte>> take, CancellationToken cancellationToken)
    {
        using Socket socket = await _listener.AcceptAsync(cancellationToken);
        var piece = new byte[PieceSize];
        int count;
        while ((count = await socket.ReceiveAsync(piece, cancellationToken)) > 0)
            take(piece.AsMemory(0, count));
        socket.Shutdown(SocketShutdown.Send);
    }

    public override ValueTask DisposeAsync()
    {
        _listener.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>A second engine of ours.</summary>
internal sealed class EngineFarEnd : FarEnd
{
    private const int PieceSize = 262_144;
    private readonly MptcpEngine _engine;
    private readonly MptcpListener _listener;

    private EngineFarEnd(MptcpEngine engine, MptcpListener listener) => (_engine, _listener) = (engine, listener);

    public override string Name => "our own engine (no kernel peer here)";

    public static async Task<EngineFarEnd> OpenAsync(LabEngineEnd end)
    {
        MptcpEngine engine = MptcpEngine.Create(Tour.OptionsFor(end));
        try
        {
            return new EngineFarEnd(engine, await engine.ListenAsync(Port));
        }
        catch
        {
            await engine.DisposeAsync();
            throw;
        }
    }

    public override async Task ReceiveAsync(Action<ReadOnlyMemory<byte>> take, CancellationToken cancellationToken)
    {
        await using MptcpStream stream = await _listener.AcceptAsync(cancellationToken);
        var piece = new byte[PieceSize];
        int count;
        while ((count = await stream.ReadAsync(piece, cancellationToken)) > 0)
            take(piece.AsMemory(0, count));
        await stream.CompleteWritesAsync(cancellationToken);
    }

    public override async ValueTask DisposeAsync()
    {
        await _listener.DisposeAsync();
        await _engine.DisposeAsync();
    }
}
