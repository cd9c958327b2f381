using Mptcp.Fuzz;
using SharpFuzz;

// Mptcp.Fuzz TARGET: an input on standard input under afl-fuzz.
// Mptcp.Fuzz TARGET replay FILE: each line of a corpus. Mptcp.Fuzz TARGET unpack FILE DIRECTORY: a file for each line.
if (args.Length == 0 || !FuzzTargets.All.TryGetValue(args[0], out FuzzTarget? target))
{
    Console.Error.WriteLine($"a target is expected: {string.Join(", ", FuzzTargets.All.Keys)}");
    return 2;
}

switch (args)
{
    case [_, "replay", var file]:
        foreach (byte[] input in FuzzTargets.ReadCorpus(file))
        {
            target(input);
        }

        return 0;
    case [_, "unpack", var file, var directory]:
        Directory.CreateDirectory(directory);
        int number = 0;
        foreach (byte[] input in FuzzTargets.ReadCorpus(file))
        {
            File.WriteAllBytes(Path.Combine(directory, $"{number++:d3}"), input);
        }

        return 0;
    case [_]:
        Fuzzer.OutOfProcess.Run(stream =>
        {
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            target(copy.ToArray());
        });
        return 0;
    default:
        Console.Error.WriteLine("expected: TARGET, TARGET replay FILE, or TARGET unpack FILE DIRECTORY");
        return 2;
}
