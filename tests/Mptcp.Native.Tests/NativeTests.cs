namespace Mptcp.Native.Tests;

/// <summary>The C library as programs in C see it.</summary>
public sealed class NativeTests(NativeLibrary library) : IClassFixture<NativeLibrary>
{
    private const int Nothing = 77;
    private static readonly TimeSpan _limit = TimeSpan.FromMinutes(2);
    private static readonly bool _all = Environment.GetEnvironmentVariable("MPTCP_TEST_ALL") == "1";

    [Fact]
    public void A_hand_made_peer_gets_the_packets_that_it_should()
    {
        (int code, string output) = Run(Compile("packet_test", "packet_test.c", "packets.c"));
        Assert.True(code == 0, output);
    }

    [Fact]
    public void Valgrind_finds_no_invalid_access()
    {
        string program = Compile("packet_test", "packet_test.c", "packets.c");
        Assert.SkipUnless(NativeLibrary.IsOnPath("valgrind"), "needs valgrind");

        // Where the debug symbols lie beside the library, valgrind 3.19 stops over them.
        string copy = Directory.CreateTempSubdirectory("mptcp-valgrind-").FullName;
        try
        {
            File.Copy(Path.Combine(library.Folder, "libmptcp.so"), Path.Combine(copy, "libmptcp.so"));
            (int code, string output) = library.Run(
                "valgrind", ["--quiet", "--error-exitcode=9", program], TimeSpan.FromMinutes(5), copy);
            Assert.True(code == 0, output);
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    [Fact]
    public void Random_calls_do_no_harm_and_give_the_same_packets_twice()
    {
        string program = Compile("random_calls", "random_calls.c");
        (int code, string output) = library.Run(program, ["1", _all ? "10000" : "200"], TimeSpan.FromMinutes(10));
        Assert.True(code == 0, output);
    }

    /// <summary>
    /// What sockets of the library answer, in some two thousand lines, is what those of Linux 6.18 answer: but for the lines
    /// of linux-deviations.txt, each with its reason.
    /// </summary>
    [Fact]
    public void Sockets_answer_as_those_of_Linux_do()
    {
        (int code, string output) = Run(Compile("linux_test", "linux_test.c", "sockets_mptcp.c"));
        Assert.True(code == 0, output);
        Compare(File.ReadAllText(Path.Combine(Folder, "linux-sockets.txt")), output, Deviations());
    }

    [Fact]
    public void The_answers_of_Linux_are_those_of_this_kernel()
    {
        Assert.SkipWhen(library.Missing is not null, library.Missing ?? "");
        string program = library.CompileAlone("linux_test_kernel", "linux_test.c", "sockets_kernel.c");
        Version kernel = Environment.OSVersion.Version;
        Assert.SkipUnless(kernel >= new Version(6, 18), $"needs Linux 6.18 or later, and this is {kernel}");
        (int code, string output) = Run(program);
        Assert.SkipWhen(code == Nothing, output.Trim());
        Assert.True(code == 0, output);
        Compare(File.ReadAllText(Path.Combine(Folder, "linux-sockets.txt")), output, []);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_sample_in_C_downloads(bool losesPath)
    {
        string program = Compile("download", "../../../samples/native/download.c");
        (int code, string output) = library.Run(program, losesPath ? ["--lose-path"] : [], _limit);
        Assert.True(code == 0, output);
        CheckDownload(output, losesPath);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_sample_in_Python_downloads(bool losesPath)
    {
        Assert.SkipWhen(library.Missing is not null, library.Missing ?? "");
        Assert.SkipUnless(NativeLibrary.IsOnPath("python3"), "needs python3");
        string script = Path.Combine(NativeLibrary.Root, "samples/native/download.py");
        (int code, string output) = library.Run("python3", losesPath ? [script, "--lose-path"] : [script], _limit);
        Assert.True(code == 0, output);
        CheckDownload(output, losesPath);
    }

    [Fact]
    public void Every_function_of_the_header_is_there_and_no_other()
    {
        Assert.SkipWhen(library.Missing is not null, library.Missing ?? "");
        Assert.SkipUnless(NativeLibrary.IsOnPath("nm"), "needs nm");
        (_, string symbols) = library.Run("nm", ["-D", "--defined-only", Path.Combine(library.Folder, "libmptcp.so")], _limit);
        string[] exported = [.. symbols.Split('\n')
            .Select(line => line.Split(' ')[^1].Split('@')[0])
            .Where(name => name.StartsWith("mptcp_", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];
        string header = File.ReadAllText(Path.Combine(library.Folder, "mptcp.h"));
        string[] declared = [.. System.Text.RegularExpressions.Regex.Matches(header, @"^(?!\s|/|#).*?\b(mptcp_[a-z_]+)\(", System.Text.RegularExpressions.RegexOptions.Multiline)
            .Select(match => match.Groups[1].Value)
            .Order(StringComparer.Ordinal)];
        Assert.Equal(declared, exported);
    }

    private static string Folder => Path.Combine(NativeLibrary.Root, "tests/Mptcp.Native.Tests");

    private string Compile(string name, params string[] sources)
    {
        Assert.SkipWhen(library.Missing is not null, library.Missing ?? "");
        return library.Compile(name, sources);
    }

    private (int Code, string Output) Run(string program) => library.Run(program, [], _limit);

    private static void CheckDownload(string output, bool losesPath)
    {
        string[] lines = output.Split('\n');
        Assert.StartsWith("10000000 bytes, ", lines[0], StringComparison.Ordinal);
        Assert.DoesNotContain("NOT", output, StringComparison.Ordinal);
        long wifi = BytesOf(lines[1]);
        long lte = BytesOf(lines[2]);
        Assert.True(losesPath ? lte > wifi && wifi > 2_000_000 : wifi > lte && lte > 1_000_000, output);
    }

    private static long BytesOf(string line) =>
        long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The names of the lines that may differ: each line of the file is one, behind it its reason.</summary>
    private static string[] Deviations() => [.. File.ReadAllLines(Path.Combine(Folder, "linux-deviations.txt"))
        .Where(line => line.Length > 0 && line[0] != '#')
        .Select(line => line.Split(" | ")[0])];

    private static void Compare(string expected, string actual, string[] deviations)
    {
        Dictionary<string, string> wanted = Read(expected);
        Dictionary<string, string> given = Read(actual);
        string[] unused = [.. deviations.Where(name => !wanted.Keys.Concat(given.Keys).Any(line => IsOf(line, name)))];
        Assert.True(unused.Length == 0, $"no line is called {string.Join(", ", unused)}");
        string[] different = [.. wanted.Keys.Union(given.Keys)
            .Where(name => wanted.GetValueOrDefault(name) != given.GetValueOrDefault(name) && !deviations.Any(one => IsOf(name, one)))
            .Select(name => $"{name}: Linux gives {wanted.GetValueOrDefault(name, "nothing")}, this gives {given.GetValueOrDefault(name, "nothing")}")];
        Assert.True(different.Length == 0, string.Join('\n', different));
    }

    private static bool IsOf(string line, string name) => line.StartsWith(name, StringComparison.Ordinal);

    private static Dictionary<string, string> Read(string text)
    {
        var lines = new Dictionary<string, string>();
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int colon = line.IndexOf(": ", StringComparison.Ordinal);
            string name = colon < 0 ? line.TrimEnd(':') : line[..colon];
            Assert.True(lines.TryAdd(name, colon < 0 ? "" : line[(colon + 2)..]), $"two lines are called '{name}'");
        }

        return lines;
    }
}
