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

    [Fact]
    public void Every_code_has_a_sentence_of_its_own()
    {
        IEnumerable<ConnectionEventCode> codes = Enum.GetValues<ConnectionEventCode>().Where(code => code != ConnectionEventCode.None);
        Assert.All(codes, code => Assert.InRange(code.Sentence().Length, 4, 100));
        Assert.Distinct(codes.Select(code => code.Sentence()));
    }
}
