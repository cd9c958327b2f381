using System.Buffers.Binary;
using Mptcp.Tcp;
using Mptcp.Wire;
using Xunit;

namespace Mptcp.Multipath.Tests;

public class TokenTableTests
{
    [Fact]
    [Trait("Requirement", "18")]
    [Trait("Requirement", "19")]
    public void A_key_whose_token_is_taken_is_drawn_again()
    {
        var table = new TokenTable<string>(new Script(5, 5, 0, 6));
        Assert.Equal(5ul, table.Register("first"));
        Assert.Equal(6ul, table.Register("second"));
        Assert.Equal(2, table.Count);
    }

    [Fact]
    [Trait("Requirement", "20")]
    public void A_token_leads_to_its_connection_until_that_is_over()
    {
        var table = new TokenTable<string>(new Script(5));
        ulong key = table.Register("it");
        Assert.True(table.TryFind(MptcpCrypto.Token(key), out string? found));
        Assert.Equal("it", found);
        table.Release(key);
        Assert.False(table.TryFind(MptcpCrypto.Token(key), out _));
    }

    private sealed class Script(params ulong[] draws) : IEntropySource
    {
        private int _next;

        public void Fill(Span<byte> destination) => BinaryPrimitives.WriteUInt64BigEndian(destination, draws[_next++]);
    }
}
