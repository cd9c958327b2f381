using Mptcp.Multipath;

namespace Mptcp.Tests;

/// <summary>The codes of events in the public interface are those of the engine, and each has its sentence.</summary>
public sealed class EventCodeTests
{
    [Fact]
    public void Every_code_of_the_engine_has_its_public_name_and_number() => Assert.Equal(
        Enum.GetValues<ConnectionEventCode>().Select(code => $"{code} = {(int)code}"),
        Enum.GetValues<MptcpEventCode>().Select(code => $"{code} = {(int)code}"));

    [Fact]
    public void Every_kind_of_the_engine_has_its_public_name_and_number() => Assert.Equal(
        Enum.GetValues<ConnectionEventKind>().Select(kind => $"{kind} = {(int)kind}"),
        Enum.GetValues<MptcpEventKind>().Select(kind => $"{kind} = {(int)kind}"));

    [Theory]
    [InlineData(MptcpEventCode.Joined, "subflow 1 closed:  to  (joined)")]
    [InlineData(MptcpEventCode.ClosedInOrder, "subflow 1 closed:  to  (closed in order)")]
    [InlineData(MptcpEventCode.WrongHmac, "subflow 1 closed:  to  (the peer's HMAC in MP_JOIN is wrong; code 213)")]
    public void The_line_of_trouble_has_its_code(MptcpEventCode code, string line) => Assert.Equal(
        line, new MptcpEvent(MptcpEventKind.SubflowClosed, 1, null, null, code.Describe()) { Code = code }.ToString());

    [Fact]
    public void Every_code_has_a_sentence_of_its_own()
    {
        IEnumerable<ConnectionEventCode> codes = Enum.GetValues<ConnectionEventCode>().Where(code => code != ConnectionEventCode.None);
        Assert.All(codes, code => Assert.InRange(code.Sentence().Length, 4, 100));
        Assert.Distinct(codes.Select(code => code.Sentence()));
    }
}
