using Mptcp.Hosting;
using Mptcp.Links;
using Mptcp.Stack;
using Mptcp.Wire;

namespace Mptcp.Tests;

public sealed class StackLoopTests : IDisposable
{
    private readonly CancellationToken _cancel = new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token;
    private readonly LocalAddress _local = new(0, IpAddress.Parse("10.1.0.1"), 1500);
    private readonly StackLoop _loop;

    public StackLoopTests()
    {
        var waiter = new MemoryWaiter();
        var stack = new NetworkStack(new StackOptions(), new SystemEntropy());
        stack.AddAddress(_local);
        _loop = new StackLoop(stack, [MemoryLink.CreatePair(waiter, new MemoryWaiter()).Near], waiter);
    }

    public void Dispose() => _loop.Dispose();

    [Fact]
    public async Task A_cancelled_attempt_to_connect_is_forgotten_by_the_stack()
    {
        using var cancel = new CancellationTokenSource();
        var nobody = new IpEndpoint(IpAddress.Parse("10.1.0.2"), 80);
        Task<HostedSocket> connecting = HostedSocket.ConnectAsync(_loop, _local, nobody, cancel.Token);
        Assert.Equal(1, await CountConnectionsAsync());
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
        Assert.Equal(0, await CountConnectionsAsync());
    }

    [Fact]
    public async Task What_an_attempt_throws_its_caller_gets_and_the_loop_lives_on()
    {
        await Assert.ThrowsAsync<FormatException>(() => _loop.RunAsync<int>((_, _) => throw new FormatException(), _cancel));
        Assert.Equal(0, await CountConnectionsAsync());
    }

    [Fact]
    public async Task An_operation_that_waits_ends_with_the_loop_and_none_begins_after_it()
    {
        Task<int> waiting = _loop.RunAsync((_, _) => default(Attempt<int>), _cancel);
        _loop.Dispose();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(CountConnectionsAsync);
    }

    private Task<int> CountConnectionsAsync() =>
        _loop.RunAsync((stack, _) => new Attempt<int>(true, stack.Connections), _cancel);
}
