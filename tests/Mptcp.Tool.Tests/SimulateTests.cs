using System.Runtime.CompilerServices;
using System.Text;

namespace Mptcp.Tool.Tests;

/// <summary>The scenarios that ship, whole: file, command, engines, table.</summary>
public sealed class SimulateTests
{
    private readonly CancellationToken _cancel = new CancellationTokenSource(TimeSpan.FromMinutes(2)).Token;

    public static TheoryData<string> Scenarios() =>
        [.. Directory.GetFiles(Folder("scenarios"), "*.toml").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    /// <summary>
    /// A change of the engine may change a table. MPTCP_UPDATE_GOLDEN=1 writes the tables anew; the difference is read
    /// before it is committed.
    /// </summary>
    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task A_scenario_gives_its_table(string name)
    {
        string actual = await RunAsync(0, Path.Combine(Folder("scenarios"), name + ".toml"));
        string expected = Path.Combine(Folder("tests/Mptcp.Tool.Tests/Golden"), name + ".txt");
        if (Environment.GetEnvironmentVariable("MPTCP_UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(expected)!);
            await File.WriteAllTextAsync(expected, actual, _cancel);
        }

        Assert.True(File.Exists(expected), $"there is no {expected}: MPTCP_UPDATE_GOLDEN=1 writes it");
        string wanted = await File.ReadAllTextAsync(expected, _cancel);
        Assert.True(
            wanted == actual,
            $"{name} differs; if the change is meant, MPTCP_UPDATE_GOLDEN=1 takes it over\nexpected\n{wanted}\nactual\n{actual}");
    }

    [Fact]
    public async Task A_seed_decides_and_traces_are_the_same_each_time()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            (string Table, byte[] Trace, byte[] Capture) first = await TraceAsync(folder, "5");
            (string Table, byte[] Trace, byte[] Capture) second = await TraceAsync(folder, "5");
            (string Table, byte[] Trace, byte[] Capture) other = await TraceAsync(folder, "6");
            Assert.Equal(first.Table, second.Table);
            Assert.True(first.Trace.AsSpan().SequenceEqual(second.Trace));
            Assert.True(first.Capture.AsSpan().SequenceEqual(second.Capture));
            Assert.False(first.Trace.AsSpan().SequenceEqual(other.Trace));
            Assert.StartsWith("1.000000000 wire > S 0 win ", Encoding.UTF8.GetString(first.Trace), StringComparison.Ordinal);
            Assert.Equal([0x0a, 0x0d, 0x0d, 0x0a], first.Capture[..4]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_middlebox_that_strips_options_leaves_plain_tcp()
    {
        string table = await RunTextAsync(0, Small.Replace("rate =", "strip-mptcp = true\nrate =", StringComparison.Ordinal));
        Assert.Contains("plain TCP", table, StringComparison.Ordinal);
        Assert.Contains("0.20 MB", table, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("middleboxes = [\"strip-syn\"]", "plain TCP")]
    [InlineData("back = { middleboxes = [\"strip-syn-ack\"] }", "plain TCP")]
    [InlineData("middleboxes = [\"nat\", \"split\"]\nback = { middleboxes = [\"rewrite-isn\"] }", "wire 100 %")]
    public async Task Middleboxes_stand_on_a_path(string line, string shares)
    {
        string table = await RunTextAsync(0, Small.Replace("rate =", $"{line}\nrate =", StringComparison.Ordinal));
        Assert.Contains(shares, table, StringComparison.Ordinal);
        Assert.Contains("0.20 MB", table, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_flow_that_is_not_done_in_time_is_1()
    {
        string table = await RunTextAsync(1, "limit = \"200 ms\"\n" + Small);
        Assert.Contains("flow 'x': not done in time", table, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_wrong_is_one_line_and_2()
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, Small.Replace("1 Mbit/s", "-1 Mbit/s", StringComparison.Ordinal), _cancel);
            using ToolProcess tool = ToolProcess.Start(null, _cancel, "simulate", file);
            await tool.AssertFailsAsync(2, $"{file}:5: rate '-1 Mbit/s' is negative; expected a rate such as \"30 Mbit/s\"");
            Assert.Empty(await tool.ReadToEndAsync());
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData(2, "cannot read '/no/such/file'", "simulate", "/no/such/file")]
    [InlineData(2, "'FILE' missing", "simulate")]
    [InlineData(3, "cannot write '/no/such/folder/x'", "simulate", "hole.toml", "--trace", "/no/such/folder/x")]
    [InlineData(3, "cannot write '/no/such/folder/x'", "simulate", "hole.toml", "--pcap", "/no/such/folder/x")]
    [InlineData(2, "'-1'", "simulate", "hole.toml", "--seed", "-1")]
    public async Task A_wrong_command_line_is_one_line(int code, string says, params string[] arguments)
    {
        string[] real = [.. arguments.Select(argument => argument == "hole.toml" ? Path.Combine(Folder("scenarios"), argument) : argument)];
        using ToolProcess tool = ToolProcess.Start(null, _cancel, real);
        await tool.AssertFailsAsync(code, says);
    }

    internal const string Small = """
        [hosts.a]
        [hosts.b]
        [paths.wire]
        between = ["a", "b"]
        rate = "1 Mbit/s"
        delay = "10 ms"
        loss = "1 %"
        [[flows]]
        name = "x"
        from = "a"
        to = "b"
        bytes = "200 kB"
        """;

    internal static string Folder(string name, [CallerFilePath] string source = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "../..", name));

    private async Task<(string Table, byte[] Trace, byte[] Capture)> TraceAsync(string folder, string seed)
    {
        string file = Path.Combine(folder, "small.toml"), trace = Path.Combine(folder, "t"), capture = Path.Combine(folder, "c");
        await File.WriteAllTextAsync(file, Small, _cancel);
        string table = await RunAsync(0, file, "--seed", seed, "--trace", trace, "--pcap", capture);
        return (table, await File.ReadAllBytesAsync(trace, _cancel), await File.ReadAllBytesAsync(capture, _cancel));
    }

    private async Task<string> RunTextAsync(int code, string text)
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, text, _cancel);
            return await RunAsync(code, file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private async Task<string> RunAsync(int code, params string[] arguments)
    {
        using ToolProcess tool = ToolProcess.Start(null, _cancel, ["simulate", .. arguments]);
        string output = Encoding.UTF8.GetString(await tool.ReadToEndAsync());
        int actual = await tool.WaitAsync();
        Assert.True(code == actual, $"ended with {actual}: {tool.Errors}");
        Assert.Empty(tool.Errors);
        return output.ReplaceLineEndings("\n");
    }
}
