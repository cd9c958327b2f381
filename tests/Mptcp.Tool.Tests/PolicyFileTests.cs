using Mptcp.Tool.Simulate;

namespace Mptcp.Tool.Tests;

/// <summary>The file of <c>--policy</c>.</summary>
public sealed class PolicyFileTests
{
    [Fact]
    public void Each_path_gets_what_is_wanted_of_it()
    {
        IReadOnlyDictionary<string, MptcpPathPolicy> policies = PolicyFile.Parse(
            """
            [paths.wlan0]
            weight = 3

            [paths.wwan0]
            metered = true
            cost = 2
            cap = "10 GB"
            use = "backup"

            [paths."usb 1"]
            use = "avoid"
            """);
        Assert.Equal(new MptcpPathPolicy { Weight = 3 }, policies["wlan0"]);
        Assert.Equal(new MptcpPathPolicy { Metered = true, Cost = 2, Cap = 10_000_000_000, Use = MptcpPathUse.Backup }, policies["wwan0"]);
        Assert.Equal(new MptcpPathPolicy { Use = MptcpPathUse.Avoid }, policies["usb 1"]);
    }

    [Theory]
    [InlineData("", 1, "there is no policy; expected tables such as [paths.wwan0]")]
    [InlineData("[paths.a]\nuse = \"never\"", 2, "use is 'never'; expected normal, backup or avoid")]
    [InlineData("[paths.a]\nweight = 0", 2, "weight is 0; expected a whole number of 1 to 1000000")]
    [InlineData("[paths.a]\ncap = \"-1 GB\"", 2, "cap '-1 GB' is negative; expected a size such as \"90 kB\"")]
    [InlineData("[paths.a]\nwieght = 1", 2, "path 'a' has an unknown key 'wieght'; expected one of use, weight, cost, metered, cap")]
    [InlineData("[paths.a]\nuse = \"avoid\"\nweight = 2", 3, "path 'a' is to be avoided, and has a weight; expected one or the other")]
    [InlineData("[paths.a]\ncap = \"1 GB\"\nuse = \"avoid\"", 2, "path 'a' is to be avoided, and has a cap; expected one or the other")]
    [InlineData("[path.a]", 1, "the policy has an unknown key 'path'; expected one of paths")]
    [InlineData("paths = 3", 1, "paths is a number without unit; expected tables such as [paths.NAME]")]
    public void A_mistake_has_a_line_and_what_is_expected(string text, int line, string message)
    {
        ScenarioException mistake = Assert.Throws<ScenarioException>(() => PolicyFile.Parse(text));
        Assert.Equal((line, message), (mistake.Line, mistake.Message));
    }
}
