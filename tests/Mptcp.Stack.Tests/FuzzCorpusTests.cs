using Mptcp.Fuzz;
using Xunit;

namespace Mptcp.Stack.Tests;

/// <summary>What fuzzing started from, and every input that once found a fault, again with every test run.</summary>
public sealed class FuzzCorpusTests
{
    public static TheoryData<string> Targets => [.. FuzzTargets.All.Keys];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Every_kept_input_is_harmless(string target)
    {
        byte[][] inputs = [.. FuzzTargets.ReadCorpus(CorpusOf(target))];
        Assert.NotEmpty(inputs);
        Assert.All(inputs, input => FuzzTargets.All[target](input));
    }

    /// <summary>Each kept input with one octet changed after the other: a fuzzer's first minute, the same every time.</summary>
    [Theory]
    [MemberData(nameof(Targets))]
    public void So_is_each_with_one_octet_changed(string target)
    {
        foreach (byte[] input in FuzzTargets.ReadCorpus(CorpusOf(target)))
        {
            for (int at = 0; at < input.Length; at++)
            {
                byte[] changed = [.. input];
                changed[at] ^= (byte)(1 << (at % 8));
                Exception? failure = Record.Exception(() => FuzzTargets.All[target](changed));
                Assert.True(failure is null, $"{Convert.ToHexString(changed)}: {failure}");
            }
        }
    }

    private static string CorpusOf(string target)
    {
        DirectoryInfo? directory = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "Mptcp.slnx")))
        {
            directory = directory.Parent;
        }

        return Path.Combine(directory.FullName, "fuzz", "corpus", target + ".hex");
    }
}
